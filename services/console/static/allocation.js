// What each channel may spend of the total, in percent or money: whether it adds up is said as one types.
"use strict";
(() => {
  const place = document.querySelector("[data-allocation]");
  const words = place.dataset;
  const list = place.querySelector("[data-rows]");
  const channels = Peal.values.parsed("channel-names");
  const PATH = "budget.allocation";
  const MICROS = 1e6;

  const currency = () => Peal.draft.get("budget.currency") ?? words.defaultCurrency;
  const total = () => Math.round(Number(Peal.draft.get("budget.total") ?? NaN) * MICROS); // in millionths
  const money = (micros) => `${(micros / MICROS).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${currency()}`;
  const shares = () => Peal.draft.get(PATH) ?? {};

  function used() {
    const steps = Peal.draft.get("steps");
    const named = Array.isArray(steps) && steps.length ? steps.map((step) => step?.channel) : Peal.draft.get("channels") ?? [];
    return [...new Set([...named, ...Object.keys(shares())])].filter((name) => name in channels);
  }

  /** Millionths of the currency; NaN: it is no number, or there is no total that it could be a part of. */
  function micros(share) {
    const text = String(share).trim();
    if (!/^\d+(\.\d+)?%?$/.test(text)) return NaN;
    return text.endsWith("%") ? (Number(text.slice(0, -1)) * total()) / 100 : Number(text) * MICROS;
  }

  function show() {
    const names = used();
    if (names.join() !== [...list.children].map((row) => row.dataset.channel).join()) {
      list.replaceChildren(...names.map((name) => {
        const row = place.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
        row.dataset.channel = name;
        row.querySelector("[data-name]").textContent = channels[name];
        row.querySelector("[data-label]").textContent = channels[name];
        return row;
      }));
    }
    for (const row of list.children) {
      const share = String(shares()[row.dataset.channel] ?? "");
      row.querySelector("[data-unit]").lastElementChild.textContent = currency();
      if (row.contains(document.activeElement)) continue;
      row.querySelector("[data-amount]").value = share.replace(/%$/, "");
      if (share) row.querySelector("[data-unit]").value = share.endsWith("%") ? "%" : "";
    }
    say();
  }

  function say() {
    const given = Object.entries(shares());
    const told = place.querySelector("[data-sum]");
    const missing = used().filter((name) => !(name in shares()));
    place.querySelector("[data-no-channels]").hidden = used().length > 0;
    place.querySelector("[data-share-rest]").disabled = !used().length;
    place.querySelector("[data-no-parts]").hidden = !given.length;
    const onlyPercent = given.every(([, share]) => String(share).endsWith("%"));
    const whole = onlyPercent && !Number.isFinite(total()) ? 100 * MICROS : total();
    const sum = given.reduce((all, [, share]) => all + (onlyPercent && !Number.isFinite(total()) ? Number(String(share).slice(0, -1)) * MICROS : micros(share)), 0);
    const spoken = (part) => (onlyPercent && !Number.isFinite(total()) ? `${part / MICROS}%` : onlyPercent ? `${money(part)} (${Math.round((10000 * part) / whole) / 100}%)` : money(part));
    const left = Math.round(whole - sum);
    let [state, text] = ["fine", ""];
    if (!given.length) text = words.none;
    else if (!Number.isFinite(left)) [state, text] = ["bad", words.noTotal];
    else if (left < 0) [state, text] = ["bad", words.over.replace("{over}", spoken(-left))];
    else if (left > 0 && missing.length) text = words.some.replace("{left}", spoken(left)).replace("{channels}", missing.map((name) => channels[name]).join(", "));
    else if (left > 0) [state, text] = ["bad", words.left.replace("{left}", spoken(left))];
    else text = words.addsUp;
    told.dataset.state = state;
    if (told.textContent !== text) told.textContent = text;
  }

  function write() {
    const made = {};
    for (const row of list.children) {
      const amount = row.querySelector("[data-amount]").value.trim();
      if (amount) made[row.dataset.channel] = `${amount}${row.querySelector("[data-unit]").value}`;
    }
    set(made);
  }

  function set(made) {
    Peal.draft.set(PATH, Object.keys(made).length ? made : null);
    show();
  }

  /** The rest, in equal parts, to those that have none; where all have one, in proportion to what they have. */
  function shareRest() {
    const names = used();
    const now = { ...shares() };
    const missing = names.filter((name) => !(name in now));
    const inPercent = Object.values(now).every((share) => String(share).endsWith("%"));
    const whole = inPercent ? 100 : total() / MICROS;
    if (!Number.isFinite(whole)) return say();
    const valueOf = (name) => (inPercent ? Number(String(now[name]).slice(0, -1)) : micros(now[name]) / MICROS) || 0;
    const kept = missing.length ? names.filter((name) => name in now) : [];
    const takers = missing.length ? missing : names;
    const rest = Math.max(0, whole - kept.reduce((sum, name) => sum + valueOf(name), 0));
    const weights = takers.map((name) => (missing.length ? 1 : valueOf(name) || 0));
    const all = weights.reduce((sum, weight) => sum + weight, 0) || takers.length;
    let spread = 0; // in hundredths, so that the last one takes what rounding leaves
    takers.forEach((name, at) => {
      const hundredths = at === takers.length - 1 ? Math.round(rest * 100) - spread : Math.floor((rest * 100 * (weights[at] || (all === takers.length ? 1 : 0))) / all);
      spread += hundredths;
      now[name] = inPercent ? `${hundredths / 100}%` : (hundredths / 100).toFixed(2);
    });
    set(now);
  }

  list.addEventListener("input", write);
  place.querySelector("[data-share-rest]").addEventListener("click", shareRest);
  place.querySelector("[data-no-parts]").addEventListener("click", () => set({}));
  document.addEventListener("peal:edit", (event) => {
    if (event.detail.path === "budget.total" && event.detail.value && !Peal.draft.get("budget.currency")) Peal.draft.set("budget.currency", words.defaultCurrency);
    // A currency or parts without a total are no budget.
    if (event.detail.path === "budget.total" && event.detail.value === null && !Object.keys(shares()).length) Peal.draft.set("budget", null);
    if (/^(budget|steps|channels)/.test(event.detail.path)) show();
  });
  document.addEventListener("peal:restored", show);
})();
