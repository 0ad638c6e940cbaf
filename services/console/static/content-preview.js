// The live preview: what is written goes to REST a moment after each stroke; what comes back fills the frames.
"use strict";
Peal.preview = (() => {
  const { draft, frames } = Peal;
  const PAUSE_MS = 250;
  const KEPT = ["name", "kind", "body", "content", "channels", "steps", "templates", "tracking", "audience", "accounts", "send_without"];
  const PERSON = `peal-person/${draft.form.dataset.brand}/${draft.id}`;
  const consistency = document.querySelector("[data-consistency]");
  const panel = document.querySelector("[data-placeholders]");
  let timer = 0;
  let latest = 0;
  let answer = null;
  let contact = null;
  try {
    contact = sessionStorage.getItem(PERSON);
  } catch { /* then it is not remembered */ }

  const sheet = () => Object.fromEntries(KEPT.filter((name) => draft.sheet[name] !== undefined).map((name) => [name, draft.sheet[name]]));
  const request = (more = {}) => ({ sheet: sheet(), ...(contact && { contact }), ...more });

  function later() {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  }

  async function now() {
    clearTimeout(timer);
    const turn = ++latest;
    const asked = request();
    try {
      const reply = await send("POST", "/api/v1/content/preview", asked);
      if (turn !== latest) return;
      if (reply.status === 404 && contact) return show(null);
      if (!reply.ok) return stale((await problemOf(reply)).detail);
      answer = await reply.json();
      if (turn !== latest) return;
      fill(asked);
    } catch {
      if (turn === latest) stale(AWAY);
    }
  }

  function stale(detail) {
    for (const place of document.querySelectorAll("[data-shown] [data-told]")) place.textContent = frames.fill(frames.words().away, { detail });
  }

  function fill(asked) {
    document.querySelector("[data-person]").textContent = answer.person.contact ? answer.person.name || answer.person.contact : `${answer.person.name} (${frames.words().madeUp})`;
    for (const shown of answer.channels) {
      const frame = document.querySelector(`[data-channel-card="${shown.channel}"] [data-shown] > *`);
      if (frame) frames.show(frame, shown, { ...asked, count: false });
    }
    const all = answer.channels.length;
    const following = Math.round((answer.consistency ?? 0) * all);
    consistency.querySelector("[data-percent]").textContent = all ? `${Math.round(answer.consistency * 100)}%` : "–";
    consistency.querySelector("[data-consistency-words]").textContent = all ? frames.fill(consistency.dataset.says, { follow: following, all }) : consistency.dataset.none;
    placeholders();
    document.dispatchEvent(new CustomEvent("peal:previewed", { detail: answer }));
  }

  function placeholders() {
    const rows = panel.querySelector("[data-placeholder-rows]");
    panel.querySelector("[data-no-placeholders]").hidden = answer.placeholders.length > 0;
    const focused = document.activeElement?.dataset?.without;
    rows.replaceChildren(...answer.placeholders.map((each) => {
      const row = document.createElement("li");
      const lacking = each.lacking === null || answer.people === null ? panel.dataset.uncounted
        : each.lacking ? frames.fill(panel.dataset.lack, { n: each.lacking.toLocaleString(), all: answer.people.toLocaleString() }) : panel.dataset.nobody;
      const words = Object.assign(document.createElement("span"), { className: "placeholder-words" });
      words.append(Object.assign(document.createElement("code"), { textContent: `{{ ${each.name} }}` }), ` ${lacking}${each.required ? "" : `, ${panel.dataset.defaulted}`}`);
      row.append(words);
      if (each.required && (each.lacking || each.send_without)) {
        row.classList.toggle("stops", !each.send_without);
        const label = Object.assign(document.createElement("label"), { className: "option" });
        const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: each.send_without });
        box.dataset.without = each.name;
        label.append(box, Object.assign(document.createElement("span"), { textContent: panel.dataset.without }));
        row.append(label);
        if (!each.send_without) row.append(Object.assign(document.createElement("small"), { textContent: panel.dataset.stops }));
      }
      return row;
    }));
    if (focused) rows.querySelector(`[data-without="${CSS.escape(focused)}"]`)?.focus();
    offer();
  }

  // Names that may be inserted where the cursor was last.
  let typed = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.('[name^="body.text"], [name^="content."]')) typed = event.target;
  });
  function offer() {
    const place = panel.querySelector("[data-offered]");
    const names = Object.keys(answer.person.data).filter((name) => !["email", "phone", "zone", "role"].includes(name)).slice(0, 12);
    if (place.dataset.names === names.join()) return;
    place.dataset.names = names.join();
    panel.querySelector("[data-offer]").hidden = !names.length;
    place.replaceChildren(...["link", ...names].map((name) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: name });
      button.addEventListener("click", () => {
        const control = typed?.isConnected ? typed : draft.form.elements.namedItem("body.text");
        const simple = /^\w+$/.test(name) ? name : `["${name}"]`;
        control.setRangeText(`{{ ${simple} }}`, control.selectionStart ?? control.value.length, control.selectionEnd ?? control.value.length, "end");
        control.dispatchEvent(new Event("input", { bubbles: true }));
        control.focus();
      });
      return button;
    }));
  }

  panel.addEventListener("change", (event) => {
    const name = event.target.dataset.without;
    if (!name) return;
    const kept = new Set(draft.get("send_without") ?? []);
    if (event.target.checked) kept.add(name);
    else kept.delete(name);
    draft.set("send_without", kept.size ? [...kept] : null);
  });

  /** As this contact from now on; null: as somebody made up. */
  function show(id) {
    contact = id;
    try {
      sessionStorage[id ? "setItem" : "removeItem"](PERSON, id);
    } catch { /* then it is not remembered */ }
    return now();
  }

  document.addEventListener("peal:edit", later);
  document.addEventListener("peal:restored", async () => {
    if (contact || !draft.form.querySelector("[data-channel-card]")) return now();
    try {
      const found = await send("POST", "/api/v1/content/people", { audience: draft.sheet.audience ?? {}, limit: 1 });
      if (found.ok) contact = (await found.json()).items[0]?.contact ?? null;
    } catch { /* as somebody made up, then */ }
    now();
  });

  return { show, now, request, get answer() { return answer; }, get contact() { return contact; } };
})();
