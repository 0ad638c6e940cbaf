// What goes with live parts: how the connection is, and no more lines than are read.
"use strict";
const trouble = document.getElementById("trouble");
const MOST_EVENTS = 30;
const INTERRUPTED = "The connection is interrupted: the figures are those of a moment ago. It is tried again.";

const report = (text) => (trouble.textContent = text);
for (const name of ["htmx:sseError", "htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, () => report(INTERRUPTED));
}
for (const name of ["htmx:sseOpen", "htmx:afterRequest"]) {
  document.addEventListener(name, (event) => event.detail.failed || event.detail.successful === false || report(""));
}
document.addEventListener("htmx:sseMessage", (event) => {
  if (event.target !== trouble) report("");
  if (event.target.id !== "activity") return;
  while (event.target.children.length > MOST_EVENTS) event.target.lastElementChild.remove();
});
// Whoever is not signed in any more gets the page to sign in on, not a part of it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const address = event.detail.xhr?.responseURL;
  if (!address || new URL(address).pathname !== "/login") return;
  event.detail.shouldSwap = false;
  location.assign("/login");
});
// A page that comes back from the browser's memory must not show old figures.
addEventListener("pageshow", (event) => event.persisted && location.reload());
