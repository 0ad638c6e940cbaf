// Keeps a campaign's page up to date: the server sends the parts that have changed, as HTML.
"use strict";
const live = document.getElementById("live");
const activity = document.getElementById("activity");
const trouble = document.getElementById("trouble");
const MOST_EVENTS = 30;
const drawn = new Map();

function report(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

const source = new EventSource(live.dataset.source);
source.addEventListener("open", () => report(""));
source.addEventListener("error", () => report("The connection is interrupted: the figures are those of a moment ago. It is tried again."));
source.addEventListener("problem", (event) => report(JSON.parse(event.data)));
source.addEventListener("regions", (event) => {
  report("");
  for (const [name, html] of Object.entries(JSON.parse(event.data))) {
    const region = live.querySelector(`[data-region="${name}"]`);
    if (!region || drawn.get(name) === html) continue;
    drawn.set(name, html);
    const held = region.contains(document.activeElement) ? document.activeElement.id : "";
    region.innerHTML = html;
    tellTimes(region);
    if (held) document.getElementById(held)?.focus();
  }
});
source.addEventListener("activity", (event) => {
  if (!activity) return;
  document.getElementById("silence")?.remove();
  const fresh = document.createElement("template");
  fresh.innerHTML = event.data;
  tellTimes(fresh.content);
  for (const line of [...fresh.content.querySelectorAll("li")]) activity.prepend(line);
  while (activity.children.length > MOST_EVENTS) activity.lastElementChild.remove();
});
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
