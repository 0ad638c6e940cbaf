// When it begins: now, at a moment, by each person's clock, or at their best hour.
"use strict";
(() => {
  const place = document.querySelector("[data-schedule]");
  const words = place.dataset;
  const [at, zone, told] = ["at", "zone", "when-told"].map((name) => place.querySelector(`[data-${name}]`));
  const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const WALL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/;
  const AN_HOUR = 3600000;
  let aside = null;

  /** Minutes that the clocks of a zone are ahead of UTC at a moment. */
  function ahead(name, moment) {
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", {
      timeZone: name, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    }).formatToParts(moment).map((part) => [part.type, Number(part.value)]));
    return Math.round((Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - moment) / 60000);
  }

  /** The moment at which the clocks of a zone show a time; null: it cannot be told. */
  function momentOf(wall, name) {
    if (!WALL.test(wall)) return Number.isNaN(Date.parse(wall)) ? null : Date.parse(wall);
    const utc = Date.parse(`${wall}Z`);
    try {
      const first = utc - ahead(name || "UTC", utc) * 60000;
      return utc - ahead(name || "UTC", first) * 60000;
    } catch {
      return null;
    }
  }

  const modeNow = () => (Peal.draft.get("schedule") ? Peal.draft.get("schedule.mode") ?? "fixed" : "now");

  function soon() {
    const moment = new Date(Date.now() + AN_HOUR);
    moment.setMinutes(0, 0, 0);
    const wall = new Date(moment.getTime() + ahead(zone.value || OWN_ZONE, moment.getTime()) * 60000);
    return wall.toISOString().slice(0, 16);
  }

  function choose(mode) {
    if (mode === "now") {
      aside = Peal.draft.get("schedule") ?? aside;
      Peal.draft.set("schedule", null);
    } else {
      const was = Peal.draft.get("schedule") ?? aside ?? {};
      const name = was.zone ?? (words.defaultZone || OWN_ZONE);
      zone.value = name;
      Peal.draft.set("schedule", { ...was, at: was.at ?? soon(), ...(/[zZ]|[+-]\d\d:?\d\d$/.test(was.at ?? "") ? {} : { zone: name }), mode });
    }
    show();
  }

  function show() {
    const schedule = Peal.draft.get("schedule");
    const mode = modeNow();
    for (const radio of place.querySelectorAll("[data-when]")) radio.checked = radio.value === mode;
    place.querySelector("[data-at-part]").hidden = !schedule;
    if (schedule && document.activeElement !== at) {
      const text = String(schedule.at ?? "");
      // With an offset, as a file may say it, it is shown as it is written.
      at.type = !text || WALL.test(text) ? "datetime-local" : "text";
      at.value = at.type === "text" ? text : text.slice(0, 16);
    }
    if (schedule && document.activeElement !== zone) zone.value = schedule.zone ?? "";
    say();
  }

  function say() {
    const schedule = Peal.draft.get("schedule");
    let text = "";
    if (schedule) {
      const moment = momentOf(String(schedule.at ?? ""), schedule.zone);
      if (moment === null) text = words.unreadable;
      else if (moment < Date.now() && schedule.mode !== "local") text = words.past;
      else if (schedule.mode === "local") text = words.passedSomewhere;
      else text = words.inYourZone.replace("{time}", new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }).format(moment));
    }
    if (told.textContent !== text) told.textContent = text;
  }

  place.addEventListener("change", (event) => event.target.matches("[data-when]") && choose(event.target.value));
  at.addEventListener("input", () => {
    if (at.value) Peal.draft.set("schedule.at", at.value);
    say();
  });
  zone.addEventListener("input", () => {
    Peal.draft.set("schedule.zone", zone.value.trim() || null);
    say();
  });
  document.addEventListener("peal:restored", () => {
    const names = Intl.supportedValuesOf?.("timeZone") ?? [];
    document.getElementById("zones").replaceChildren(...["UTC", ...names].map((value) => Object.assign(document.createElement("option"), { value })));
    show();
  });
  setInterval(say, 20000);
})();
