// Light or dark: as the system is, until somebody chooses; before anything is painted.
"use strict";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosenTheme() {
  try {
    return localStorage.getItem("peal-theme");
  } catch {
    return null;
  }
}

function applyTheme() {
  document.documentElement.dataset.bsTheme = chosenTheme() ?? (system.matches ? "dark" : "light");
  document.dispatchEvent(new Event("peal:theme"));
}

function switchTheme() {
  const other = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  try {
    // Back to what the system has: follow it again.
    if ((other === "dark") === system.matches) localStorage.removeItem("peal-theme");
    else localStorage.setItem("peal-theme", other);
    applyTheme();
  } catch {
    document.documentElement.dataset.bsTheme = other;
  }
}

applyTheme();
system.addEventListener("change", applyTheme);
addEventListener("storage", applyTheme);
