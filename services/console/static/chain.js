// How the channels work together: all at once, a reminder, a fallback, or any sequence; as rows, a sentence, a picture.
"use strict";
(() => {
  const place = document.querySelector("[data-chain]");
  const words = place.dataset;
  const list = place.querySelector("[data-rows]");
  const channels = Peal.values.parsed("channel-names");
  const USUAL = { not_engaged: "24h", not_delivered: "4h", own: "24h" };
  const UNITS = { m: ["minutesOne", "minutesMany"], h: ["hoursOne", "hoursMany"], d: ["daysOne", "daysMany"] };
  const together = new Intl.ListFormat(document.documentElement.lang || "en", { type: "conjunction" });
  let own = false; // chosen by hand, though the steps would fit a simpler word

  const isAtOnce = (step) => (step.only_if ?? "always") === "always" && !amountOf(step.after).number;
  const given = () => (Array.isArray(Peal.draft.get("steps")) ? Peal.draft.get("steps").filter((each) => each && typeof each === "object") : []);

  function stepsNow() {
    const steps = given();
    if (steps.length) return structuredClone(steps);
    const named = Peal.draft.get("channels");
    return Array.isArray(named) ? named.map((channel) => ({ channel })) : [];
  }

  /** `24h` -> 24 hours; what is no such text stays as it is. */
  function amountOf(after) {
    const match = /^(\d+)([smhd])$/.exec(String(after ?? "0"));
    if (!match) return { number: Number(after) ? String(after) : 0, unit: "h" };
    if (match[2] === "s") return { number: Number(match[1]) / 60, unit: "m" };
    return { number: Number(match[1]), unit: match[2] };
  }

  function modeOf(steps) {
    const later = steps.slice(1);
    if (own) return "own";
    if (!later.length || later.every(isAtOnce)) return "all";
    for (const mode of ["not_engaged", "not_delivered"]) if (later.every((step) => step.only_if === mode)) return mode;
    return "own";
  }

  /** Channels alone where nothing more is said; else steps. */
  function write(steps) {
    const names = steps.map((step) => step.channel);
    const plain = steps.every((step) => isAtOnce(step) && Object.keys(step).every((key) => ["channel", "only_if", "after"].includes(key)));
    if (plain && new Set(names).size === names.length) {
      Peal.draft.set("steps", null);
      Peal.draft.set("channels", names.length ? names : null);
    } else {
      Peal.draft.set("channels", null);
      Peal.draft.set("steps", steps.map((step, at) => (at ? step : { ...step, only_if: "always" })));
    }
    show();
  }

  function choose(mode) {
    own = mode === "own";
    const steps = stepsNow().map((step, at) => {
      const made = { ...step };
      if (mode === "all" || (!at && mode !== "own")) {
        delete made.only_if;
        delete made.after;
      } else if (mode !== "own") {
        made.only_if = mode;
        if (!amountOf(made.after).number) made.after = USUAL[mode];
      }
      return made;
    });
    write(steps);
  }

  function rowOf(step, at, mode) {
    const row = place.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    const { number, unit } = amountOf(step.after);
    row.querySelector("[data-number]").textContent = words.stepName.replace("{n}", at + 1);
    row.querySelector("[data-channel]").textContent = channels[step.channel] ?? step.channel;
    row.querySelector("[data-only-if]").value = step.only_if ?? "always";
    row.querySelector("[data-only-if]").closest("label").hidden = mode !== "own" || !at;
    row.querySelector("[data-after]").value = number;
    row.querySelector("[data-after-unit]").value = unit;
    row.querySelector("[data-rule]").hidden = mode === "all" || (!at && mode !== "own");
    row.querySelector("[data-remove]").hidden = mode !== "own";
    row.querySelector("[data-up]").disabled = !at;
    return row;
  }

  function show() {
    const steps = stepsNow();
    const mode = modeOf(steps);
    for (const radio of place.querySelectorAll("[data-mode]")) radio.checked = radio.value === mode;
    place.querySelector("[data-add-part]").hidden = mode !== "own";
    if (!list.contains(document.activeElement) || list.children.length !== steps.length || list.dataset.mode !== mode) {
      list.replaceChildren(...steps.map((step, at) => rowOf(step, at, mode)));
      list.lastElementChild?.querySelector("[data-down]")?.setAttribute("disabled", "");
    }
    list.dataset.mode = mode;
    list.hidden = mode === "all";
    say(steps);
  }

  function spoken(after) {
    const { number, unit } = amountOf(after);
    const [one, many] = UNITS[unit];
    return words[number === 1 ? one : many].replace("{n}", number);
  }

  /** Steps that go out together, each with whom it is for and after how long. */
  function tiersOf(steps) {
    const tiers = [];
    steps.forEach((step, at) => {
      if (at && isAtOnce(step)) tiers.at(-1).steps.push(step);
      else tiers.push({ steps: [step], only: at ? step.only_if ?? "always" : "always", after: step.after });
    });
    return tiers;
  }

  function say(steps) {
    const tiers = tiersOf(steps);
    const named = (tier) => tier.steps.map((step) => channels[step.channel] ?? step.channel);
    const camel = (only) => ({ always: "Always", not_engaged: "NotEngaged", not_delivered: "NotDelivered" })[only] ?? "Always";
    const sentences = tiers.map((tier, at) => {
      const joined = together.format(named(tier));
      if (!at) return words[tiers.length > 1 ? "first" : "only"].replace("{channels}", joined);
      const text = amountOf(tier.after).number ? words.then.replace("{after}", spoken(tier.after)) : words.thenAtOnce;
      return text.replace("{channels}", joined).replace("{whom}", words[`to${camel(tier.only)}`]);
    });
    const told = place.querySelector("[data-sentence]");
    const text = sentences.join(" ") || words.none;
    if (told.textContent !== text) told.textContent = text;
    Peal.chainPicture.draw(place.querySelector("[data-picture]"), tiers.map((tier) => ({
      channels: named(tier),
      label: `${amountOf(tier.after).number ? spoken(tier.after) : words.once}, ${words[`short${camel(tier.only)}`]}`,
    })));
  }

  function changed(row, steps) {
    const at = [...list.children].indexOf(row);
    const number = row.querySelector("[data-after]").value.trim();
    const made = { ...steps[at] };
    made.only_if = row.querySelector("[data-only-if]").value;
    if (made.only_if === "always") delete made.only_if;
    if (list.dataset.mode !== "own" && at) made.only_if = list.dataset.mode;
    made.after = /^\d+$/.test(number) ? `${number}${row.querySelector("[data-after-unit]").value}` : number || "0";
    if (/^0\D?$/.test(made.after)) delete made.after;
    steps[at] = made;
    return steps;
  }

  function moved(row, by, steps) {
    const at = [...list.children].indexOf(row);
    const [step] = steps.splice(at, 1);
    // What stands beside a place (its hours, its condition) stays with the place; the channels change.
    steps.splice(at + by, 0, step);
    const rules = stepsNow().map(({ only_if, after }) => ({ only_if, after }));
    return steps.map((each, number) => {
      const made = { ...each };
      for (const key of ["only_if", "after"]) {
        if (rules[number][key] === undefined) delete made[key];
        else made[key] = rules[number][key];
      }
      return made;
    });
  }

  place.addEventListener("change", (event) => event.target.matches("[data-mode]") && choose(event.target.value));
  list.addEventListener("input", (event) => write(changed(event.target.closest("li"), stepsNow())));
  place.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-add]")) write([...stepsNow(), { channel: place.querySelector("[data-add-channel]").value, only_if: "not_engaged", after: USUAL.own }]);
    const row = button.closest("li");
    if (!row) return;
    const at = [...list.children].indexOf(row);
    if (button.matches("[data-remove]")) write(stepsNow().filter((_, number) => number !== at));
    const by = button.matches("[data-up]") ? -1 : button.matches("[data-down]") ? 1 : 0;
    if (!by) return;
    button.blur();
    write(moved(row, by, stepsNow()));
    const after = list.children[at + by];
    (after?.querySelector(by < 0 ? "[data-up]:enabled" : "[data-down]:enabled") ?? after?.querySelector("button:enabled"))?.focus();
  });
  document.addEventListener("peal:restored", show);
})();
