// Tells every moment in the reader's own zone, in full on hover; the server wrote it in UTC.
"use strict";
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function tellTimes(root) {
  const today = day.format(new Date());
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const date = day.format(at);
    element.textContent = date === today ? clock.format(at) : `${date}, ${clock.format(at)}`;
    element.title = `${full.format(at)} (${at.toISOString()})`;
  }
}
tellTimes(document);
document.addEventListener("htmx:afterSwap", (event) => tellTimes(event.detail.target ?? event.target));
