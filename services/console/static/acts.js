// Asks before a campaign is steered or edited, and sends the answer to REST.
"use strict";
const ask = document.getElementById("ask");
const told = document.getElementById("told");
const UNREACHED = "The console did not answer. Whether it was done is not known: look at the status, then try again.";
const WAITS = "Nothing is sent yet: a second person of the brand has to approve it.";

function tell(text, bad) {
  told.textContent = text;
  told.classList.toggle("bad", bad);
  if (text) told.focus();
}

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

async function problemOf(answer) {
  try {
    const problem = await answer.json();
    const texts = problem.errors?.length ? problem.errors.map((error) => error.message) : [problem.detail];
    return texts.map(sentence).join(" ");
  } catch {
    return `The console answered ${answer.status}. Load the page again.`;
  }
}

/** Lay `value` where `path` ("content.sms", "variables.1") says. */
function lay(object, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let place = object;
  for (const name of names) place = place[name] ??= {};
  place[last] = value;
}

/** The parts of the form in which something was changed, each whole; what is empty is left out. */
function changes(form) {
  const body = {};
  for (const part of form.querySelectorAll("[data-part]")) {
    const fields = [...part.querySelectorAll("[name]")];
    if (fields.every((field) => field.value === field.defaultValue)) continue;
    const content = {};
    for (const field of fields) if (field.value.trim()) lay(content, field.name, field.value);
    lay(body, part.dataset.part, content);
  }
  return body;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-ask]");
  if (!button || ask.open) return;
  tell("", false);
  try {
    const answer = await fetch(button.dataset.ask);
    if (answer.redirected) return location.reload();
    const html = await answer.text();
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(html, "text/html");
      return tell(page.querySelector("main p")?.textContent ?? UNREACHED, true);
    }
    ask.innerHTML = html;
    ask.showModal();
  } catch {
    tell("The console does not answer. Try again shortly.", true);
  }
});

ask.addEventListener("submit", async (event) => {
  if (event.submitter?.value !== "yes") return;
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector("[data-problem]");
  const buttons = [...form.querySelectorAll("button")];
  const show = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  const edits = form.querySelector("[data-part]") ? changes(form) : null;
  show("");
  if (edits && !Object.keys(edits).length) return show("Nothing was changed.");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await fetch(form.dataset.act, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": form.dataset.csrf, "Idempotency-Key": form.dataset.key },
      body: JSON.stringify({ expected_epoch: Number(form.dataset.epoch), ...edits }),
    });
    if (answer.ok) {
      const result = await answer.json();
      ask.close();
      if (result.waiting_for) return tell(WAITS, false);
      return form.dataset.go ? location.assign(form.dataset.go + encodeURIComponent(result.campaign_id)) : tell(form.dataset.done, false);
    }
    show(await problemOf(answer));
    // What was refused may be mended and sent again: that is another command.
    if (edits) form.dataset.key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  } catch {
    show(UNREACHED);
  }
  buttons.forEach((button) => (button.disabled = false));
  buttons[0].focus();
});
