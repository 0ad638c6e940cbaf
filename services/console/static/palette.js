// The command palette: Ctrl K (or Cmd K), type, arrows, Enter.
"use strict";
const palette = document.getElementById("palette");
const typed = palette?.querySelector("input");
const hits = palette?.querySelector("ul");
const status = palette?.querySelector("[role=status]");
let asked = null;
let soon = 0;

const options = () => [...hits.children];
const chosen = () => hits.querySelector("[aria-selected=true]");

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  if (!option) return typed.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  typed.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

async function look() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(`/palette?q=${encodeURIComponent(typed.value)}`, { signal: asked.signal });
    if (new URL(answer.url).pathname === "/login") return location.assign("/login");
    if (!answer.ok) throw new Error(answer.status);
    hits.innerHTML = await answer.text();
    status.textContent = "";
    choose(options()[0]);
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = palette.dataset.unreached;
  }
}

function openPalette() {
  if (palette.open || document.querySelector("dialog[open]")) return;
  typed.value = "";
  palette.showModal();
  look();
}

if (palette) {
  typed.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(look, 100);
  });
  typed.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[(at - 1 + all.length) % all.length]);
    else if (event.key === "Enter") chosen()?.firstElementChild.click();
    else return;
    event.preventDefault();
  });
  palette.addEventListener("click", (event) => event.target === palette && palette.close());
  document.addEventListener("click", (event) => event.target.closest("[data-palette]") && openPalette());
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else openPalette();
  });
}
