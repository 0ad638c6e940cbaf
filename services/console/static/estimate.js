// What the campaign comes to as it stands, asked again a moment after each change that was saved.
"use strict";
(() => {
  const place = document.querySelector("[data-estimate]");
  const words = place.dataset;
  const told = place.querySelector("[data-estimate-told]");
  const channels = Peal.values.parsed("channel-names");
  const PAUSE_MS = 600;
  let timer = 0;
  let asked = 0;

  const money = (micros, currency) => `${(micros / 1e6).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${currency}`;
  const put = (name, text) => (place.querySelector(`[data-${name}]`).textContent = text);
  const moment = (at) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

  async function ask() {
    const number = (asked += 1);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`/api/v1/drafts/${encodeURIComponent(Peal.draft.id)}/review`);
      const found = await answer.json();
      if (number !== asked) return;
      if (answer.ok) show(found.forecast);
      else told.textContent = words.away.replace("{detail}", found.detail);
    } catch {
      if (number === asked) told.textContent = words.unanswered;
    }
    if (number === asked) place.removeAttribute("aria-busy");
  }

  function show(forecast) {
    place.querySelector("[data-sums]").hidden = !forecast;
    place.querySelector("[data-steps-title]").hidden = !forecast;
    place.querySelector("[data-doubts]").replaceChildren(...(forecast?.doubtful ?? []).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    told.textContent = !forecast ? words.none : forecast.finish_at ? "" : words.nobody;
    if (!forecast) return place.querySelector("[data-steps]").replaceChildren();
    const { currency } = forecast;
    put("likely", money(forecast.likely_micros, currency));
    put("most", money(forecast.most_micros, currency));
    put("budget", forecast.budget_micros === null ? words.noBudget : money(forecast.budget_micros, currency));
    put("people-count", forecast.people.toLocaleString());
    put("begins", forecast.steps.length ? moment(forecast.steps[0].begins_at) : "–");
    put("ends", forecast.finish_at ? moment(forecast.finish_at) : "–");
    place.querySelector("[data-steps]").replaceChildren(...forecast.steps.map((step) => {
      const line = document.createElement("div");
      const value = document.createElement("dd");
      value.append(money(step.most_micros, currency), Object.assign(document.createElement("small"), { textContent: words.messages.replace("{n}", step.reachable.toLocaleString()) }));
      line.append(Object.assign(document.createElement("dt"), { textContent: `${step.step}. ${channels[step.channel] ?? step.channel}` }), value);
      return line;
    }));
  }

  document.addEventListener("peal:saved", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  document.addEventListener("peal:restored", ask);
})();
