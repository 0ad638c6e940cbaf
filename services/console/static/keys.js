// What the keyboard can do on every page; `?` lists it.
"use strict";
const shortcuts = document.getElementById("shortcuts");
const places = Object.fromEntries(
  [...(shortcuts?.querySelectorAll("[data-leads]") ?? [])].map((line) => [line.dataset.key, line.dataset.leads]),
);
let going = 0;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) switchTheme();
  if (event.target.closest("[data-shortcuts]")) shortcuts?.showModal();
});

function search() {
  const field = [...document.querySelectorAll("[data-search]")].find((one) => one.offsetParent);
  if (field) {
    field.focus();
    field.select();
  } else {
    location.assign("/campaigns#search");
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !shortcuts) return;
  if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const follows = event.timeStamp - going < 1500;
  going = event.key === "g" ? event.timeStamp : 0;
  if (event.key === "?") shortcuts.showModal();
  else if (event.key === "/") search();
  else if (follows && places[event.key]) location.assign(places[event.key]);
  else if (event.key === "t") switchTheme();
  else return;
  event.preventDefault();
});

if (location.hash === "#search") search();
