// A draft is saved as one types: each change goes to REST a moment later. Until it is acknowledged it is kept in this
// browser, and is sent again when the console answers again. `peal:edit` and `peal:saved` tell the steps' own scripts.
"use strict";
Peal.draft = (() => {
  const { at, put, same, differences, valueOf, show, parsed } = Peal.values;
  const form = document.querySelector("form[data-draft]");
  const line = document.getElementById("saved");
  const API = `/api/v1/drafts/${encodeURIComponent(form.dataset.draft)}`;
  const KEEP = `peal-draft/${form.dataset.brand}/${form.dataset.draft}`;
  const PAUSE_MS = 500;
  const AGAIN_MS = [1500, 3000, 6000];
  const LARGEST_ON_LEAVING = 60000; // what a browser sends for a page that is gone

  const sheet = parsed("sheet");
  const base = structuredClone(sheet); // as the server has it, as far as it has been read
  const names = parsed("field-names");
  const pending = new Map(); // path -> value, not acknowledged
  const unreadable = new Map(); // name of a control -> text that is no JSON
  const kept = whatWasKept();
  let unanswered = []; // what was sent without hearing what became of it
  let revision = Number(form.dataset.revision);
  let timer = 0;
  let tries = 0;
  let underWay = null;
  let stopped = false; // until somebody decides, or signs in
  let stale = false; // this page was made before changes of another one were saved

  function whatWasKept() {
    try {
      return JSON.parse(localStorage.getItem(KEEP) ?? "null");
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      if (!pending.size && !unreadable.size) localStorage.removeItem(KEEP);
      else localStorage.setItem(KEEP, JSON.stringify({ revision, changes: [...pending], unreadable: [...unreadable] }));
      return true;
    } catch {
      return false;
    }
  }

  function tell(state, more = "") {
    const key = { saved: "allSaved", "signed-out": "signedOut" }[state] ?? state;
    // A reader of the screen hears of trouble and of its end, not of every pause in typing.
    const usual = (each) => ["saved", "saving", "waiting"].includes(each);
    line.setAttribute("aria-live", usual(state) && usual(line.dataset.state) ? "off" : "polite");
    line.dataset.state = state;
    const text = [line.dataset[key], more].filter(Boolean).join(" ");
    const place = line.querySelector("[data-saved-text]");
    if (place.textContent !== text) place.textContent = text;
    line.querySelector("[data-opens=conflict]").hidden = state !== "conflict";
  }

  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  }

  function set(path, value) {
    if (same(at(sheet, path), value) && !pending.has(path)) return;
    put(sheet, path, structuredClone(value));
    pending.delete(path);
    pending.set(path, value);
    keep();
    if (!stopped && !underWay && line.dataset.state !== "away") tell("waiting");
    document.dispatchEvent(new CustomEvent("peal:edit", { detail: { path, value } }));
    if (!stopped) later(tries ? AGAIN_MS[0] : PAUSE_MS);
  }

  /** Send what is not saved; true when all of it is. */
  async function flush() {
    clearTimeout(timer);
    if (underWay) await underWay;
    if (!pending.size) return true;
    if (stopped) return false;
    underWay = exchange(new Map(pending));
    await underWay;
    underWay = null;
    if (pending.size && !stopped) later(tries ? AGAIN_MS[Math.min(tries, AGAIN_MS.length) - 1] : 0);
    return !pending.size;
  }

  async function exchange(batch) {
    if (!tries) tell("saving");
    try {
      const answer = await fetch(API, request(batch));
      if (answer.ok) return acknowledged(batch, await answer.json());
      const problem = await answer.json().catch(() => ({}));
      if (answer.status >= 500) return away(batch);
      if (answer.status === 409 && adopted(problem)) return;
      stopped = true;
      if (answer.status === 409) conflict(problem);
      else if (answer.status === 404) tell("gone");
      else if (answer.status === 401 || answer.status === 403) tell("signed-out");
      else {
        tell("refused", problem.detail);
        stopped = false; // the next change may mend it
        clearTimeout(timer);
      }
    } catch {
      away(batch);
    }
  }

  const request = (batch, more = {}) => ({
    method: "PATCH",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": CSRF },
    body: JSON.stringify({ expected_revision: revision, changes: Object.fromEntries(batch) }),
    ...more,
  });

  function away(batch) {
    tries += 1;
    unanswered.push(batch);
    tell("away");
  }

  /** Whether the draft is as we made it ourselves, by a change whose answer was lost: then it is gone on from there. */
  function adopted(theirs) {
    if (theirs.updated_by !== form.dataset.me) return false;
    const own = [new Map(), ...unanswered].find((batch) => !differences(laid(batch), theirs.sheet).length);
    if (!own) return false;
    for (const [path, value] of own) put(base, path, structuredClone(value));
    unanswered = [];
    revision = theirs.revision;
    return true;
  }

  function laid(batch) {
    const sheet = structuredClone(base);
    for (const [path, value] of batch) put(sheet, path, structuredClone(value));
    return sheet;
  }

  function acknowledged(batch, answer) {
    tries = 0;
    unanswered = [];
    revision = answer.revision;
    form.dataset.revision = revision;
    for (const [path, value] of batch) {
      put(base, path, structuredClone(value));
      if (pending.get(path) === value) pending.delete(path);
    }
    keep();
    tell(pending.size ? "saving" : "saved");
    document.dispatchEvent(new CustomEvent("peal:saved", { detail: answer }));
    if (stale && !pending.size) location.reload();
  }

  function conflict(problem) {
    document.dispatchEvent(new CustomEvent("peal:conflict", { detail: problem }));
  }

  /** Lay our changes over what somebody else has made of it. */
  async function keepMine(theirs) {
    stopped = false;
    revision = theirs.revision;
    keep();
    if (await flush()) location.reload();
  }

  function takeTheirs() {
    forget();
    location.reload();
  }

  /** Give up what is not saved; go to `address`, if there is one. */
  function forget(address) {
    stopped = true;
    pending.clear();
    unreadable.clear();
    keep();
    try {
      if (address) localStorage.removeItem(KEEP.replace("peal-draft", "peal-aside"));
    } catch {
      // nothing is kept there
    }
    if (address) location.assign(address);
  }

  function written(control) {
    if (!control.name || control.form !== form) return;
    try {
      const value = valueOf(control);
      unreadable.delete(control.name);
      control.setCustomValidity("");
      set(control.name, value);
    } catch (error) {
      unreadable.set(control.name, control.value);
      control.setCustomValidity(error.message);
      keep();
    }
    control.toggleAttribute("data-unreadable", unreadable.has(control.name));
  }

  /** What was typed on another page, or before this one was loaded again, and never acknowledged. */
  function restore() {
    if (!kept) return;
    for (const [name, text] of kept.unreadable ?? []) {
      const control = form.elements.namedItem(name);
      if (control?.dataset) {
        control.value = text;
        unreadable.set(name, text);
        control.toggleAttribute("data-unreadable", true);
      }
    }
    const again = (kept.changes ?? []).filter(([path]) => !pending.has(path));
    for (const [path, value] of again) {
      put(sheet, path, structuredClone(value));
      pending.set(path, value);
      show(form, path, value);
    }
    if (!again.length) return;
    keep();
    revision = Math.min(revision, kept.revision);
    stale = again.some(([path]) => !form.elements.namedItem(path));
    flush();
  }

  /** Controls that somebody has changed and whose change nobody may have heard of. */
  function touched() {
    const lines = (text) => text.replace(/\r\n?/g, "\n");
    return [...form.elements].filter((control) => {
      if (control.type === "checkbox") return control.checked !== control.defaultChecked;
      if (control.type === "radio") return control.checked && !control.defaultChecked;
      if (control.options) {
        const given = [...control.options].find((option) => option.defaultSelected) ?? control.options[0];
        return given && !given.selected;
      }
      return "defaultValue" in control && lines(control.value) !== lines(control.defaultValue);
    });
  }

  /** Do it again, now that whoever has to hear of it does. */
  function replay(controls) {
    // Those that are saved as they are first: a choice of another kind may put them aside.
    for (const control of controls.sort((one, other) => Boolean(other.name) - Boolean(one.name))) {
      if (control.type === "radio") control.checked = true; // a step's script may have shown what was before
      for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, { bubbles: true }));
    }
  }

  form.addEventListener("input", (event) => written(event.target));
  form.addEventListener("change", (event) => {
    written(event.target);
    if (!stopped && pending.size && !tries) later(0);
  });
  form.addEventListener("focusout", () => !stopped && pending.size && !tries && later(0));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("online", () => !stopped && flush());
  addEventListener("pagehide", () => {
    if (!pending.size || stopped) return;
    const options = request(pending, { keepalive: true });
    if (options.body.length < LARGEST_ON_LEAVING) fetch(API, options).catch(() => {});
  });
  addEventListener("beforeunload", (event) => pending.size && !keep() && event.preventDefault());
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // A link to another step waits a moment for what is under way; what is not saved by then goes with this browser.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest(".steps-bar a, a[data-leaves]");
    if (!link || !pending.size || stopped || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    await Promise.race([flush(), new Promise((done) => setTimeout(done, 1500))]);
    location.assign(link.href);
  });

  const early = touched();
  addEventListener("DOMContentLoaded", () => {
    replay([...new Set([...early, ...touched()])]);
    restore();
    document.dispatchEvent(new CustomEvent("peal:restored"));
  });

  return {
    id: form.dataset.draft, form, names, base, pending, keepMine, takeTheirs, forget, flush, set, tell,
    get: (path) => at(sheet, path),
    get sheet() { return sheet; },
  };
})();
