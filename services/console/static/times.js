// Tells every moment in the reader's own zone; the server wrote it in UTC.
"use strict";
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function tellTimes(root) {
  const today = day.format(new Date());
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const date = day.format(at);
    element.textContent = date === today ? clock.format(at) : `${date}, ${clock.format(at)}`;
    element.title = at.toISOString();
  }
}
tellTimes(document);
