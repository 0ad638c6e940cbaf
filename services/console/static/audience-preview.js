// Whom the filter means and whom each channel reaches, counted a moment after each change.
"use strict";
(() => {
  const place = document.querySelector("[data-preview]");
  const told = place.querySelector("[data-preview-told]");
  const list = place.querySelector("[data-reach]");
  const [channels, reasons] = ["channel-names", "reason-names"].map(Peal.values.parsed);
  const PAUSE_MS = 450;
  const BEGINNING = told.textContent;
  let timer = 0;
  let asked = 0;

  const count = (value) => value.toLocaleString();

  function wantedChannels() {
    const steps = Peal.draft.get("steps");
    const named = Array.isArray(steps) && steps.length ? steps.map((step) => step?.channel) : Peal.draft.get("channels") ?? [];
    return [...new Set(named)].filter((name) => name in channels);
  }

  /** Of people who are listed: once the list is saved, as the campaign's own forecast has it. */
  async function askListed() {
    const number = (asked += 1);
    if (!(await Peal.draft.flush())) return;
    const answer = await fetch(`/api/v1/drafts/${encodeURIComponent(Peal.draft.id)}/review`).catch(() => null);
    if (number !== asked) return;
    const { forecast } = answer?.ok ? await answer.json() : {};
    if (!forecast) return clear();
    show({ matched: forecast.people, by_channel: Object.fromEntries(forecast.steps.map((step) => [step.channel, step])) });
  }

  async function ask() {
    told.classList.remove("hidden");
    const filter = Peal.draft.get("audience.filter");
    if (Peal.draft.get("audience.recipients")?.length) return askListed();
    if (!filter) return clear();
    const number = (asked += 1);
    place.setAttribute("aria-busy", "true");
    const body = { filter, channels: wantedChannels(), kind: place.dataset.kind === "transactional" ? "transactional" : "marketing" };
    const caps = Peal.draft.get("limits.caps");
    if (Array.isArray(caps)) body.caps = caps;
    try {
      const answer = await send("POST", "/api/v1/audience/preview", body);
      const found = await answer.json();
      if (number !== asked) return;
      if (answer.ok) show(found);
      else told.textContent = `${place.dataset.wrong} ${found.detail}`;
    } catch {
      if (number === asked) told.textContent = place.dataset.away;
    }
    if (number === asked) place.removeAttribute("aria-busy");
  }

  function clear() {
    asked += 1;
    place.removeAttribute("aria-busy");
    place.querySelector("[data-matched]").textContent = "–";
    told.classList.remove("hidden");
    told.textContent = BEGINNING;
    list.replaceChildren();
  }

  function show(found) {
    place.querySelector("[data-matched]").textContent = count(found.matched);
    told.classList.add("hidden");
    told.textContent = place.dataset.said.replace("{n}", count(found.matched));
    list.replaceChildren(...Object.entries(found.by_channel).map(([name, reach]) => {
      const row = place.querySelector("[data-reach-row]").content.firstElementChild.cloneNode(true);
      row.querySelector("[data-channel-name]").textContent = channels[name] ?? name;
      row.querySelector("[data-reachable]").textContent = count(reach.reachable);
      row.querySelector("rect").setAttribute("width", `${found.matched ? (100 * reach.reachable) / found.matched : 0}%`);
      row.querySelector("[data-dropped]").replaceChildren(...Object.entries(reach.dropped).map(([reason, people]) => {
        const line = document.createElement("div");
        line.append(
          Object.assign(document.createElement("dt"), { textContent: reasons[reason] ?? reason.replaceAll("_", " ") }),
          Object.assign(document.createElement("dd"), { textContent: count(people) }),
        );
        return line;
      }));
      return row;
    }));
  }

  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  };
  document.addEventListener("peal:edit", (event) => event.detail.path.startsWith("audience") && later(PAUSE_MS));
  document.addEventListener("peal:restored", () => later(0));
  place.querySelector("[data-preview-now]").addEventListener("click", () => later(0));
})();
