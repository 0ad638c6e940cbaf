// How pages ask REST, and how they say what came of it: one place for every page. Its sentences stand in its own tag.
"use strict";
const { csrf: CSRF, unreached: UNREACHED, failed: FAILED, away: AWAY } = document.currentScript.dataset;
const SAID = "peal-said";

/** A key for a request that is made once, however often it is sent. */
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** What is wrong: `errors` by field as REST names them, and `detail`, all of it in sentences. */
async function problemOf(answer) {
  try {
    const problem = await answer.json();
    const errors = problem.errors ?? [];
    const texts = errors.length ? [...new Set(errors.map((error) => error.message))] : [problem.detail];
    return { errors, detail: texts.map(sentence).join(" "), kind: problem.type, problem };
  } catch {
    return { errors: [], detail: FAILED.replace("{status}", answer.status) };
  }
}

/** Send JSON to REST. Throws where nobody answers: whether it was done is then not known. */
function send(method, path, body, key) {
  const headers = { "X-CSRF-Token": CSRF, ...(key && { "Idempotency-Key": key }) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/** Say it in the page's line for that (`#told`), which a reader of the screen hears. */
function tell(text, bad = false) {
  const told = document.getElementById("told");
  told.textContent = text;
  told.classList.toggle("bad", bad);
  told.classList.toggle("good", !bad);
  if (text) told.focus();
}

/** Say it on the page that comes next. */
function tellThere(text) {
  try {
    sessionStorage.setItem(SAID, text);
  } catch { /* that page speaks for itself, then */ }
}

/** Lay `value` where `path` ("content.sms", "limits.caps.0.per") says; a number in it is a place in a list. */
function lay(object, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let place = object;
  names.forEach((name, at) => (place = place[name] ??= /^\d+$/.test(names[at + 1] ?? last) ? [] : {}));
  place[last] = value;
}

// A button with `data-ask` opens a dialog whose content is at that address.
document.addEventListener("click", async (event) => {
  const ask = document.getElementById("ask");
  const button = event.target.closest("[data-ask]");
  if (!button || ask.open) return;
  tell("");
  try {
    const answer = await fetch(button.dataset.ask);
    if (answer.redirected) return location.reload();
    const html = await answer.text();
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(html, "text/html");
      return tell(page.querySelector("main p")?.textContent ?? UNREACHED, true);
    }
    ask.innerHTML = html;
    if (typeof tellTimes === "function") tellTimes(ask);
    ask.showModal();
  } catch {
    tell(AWAY, true);
  }
});

try {
  const said = document.getElementById("told") && sessionStorage.getItem(SAID);
  if (said) {
    sessionStorage.removeItem(SAID);
    tell(said);
  }
} catch { /* nothing was left to say */ }
