// Sends the answer to what was asked before a campaign is steered or edited (rest.js asks).
"use strict";
const WAITS = "Nothing is sent yet: a second person of the brand has to approve it.";

/** The parts of the form in which something was changed, each whole; what is empty is left out. */
function changes(form) {
  const body = {};
  for (const part of form.querySelectorAll("[data-part]")) {
    const fields = [...part.querySelectorAll("[name]")];
    if (fields.every((field) => field.value === field.defaultValue)) continue;
    const content = {};
    for (const field of fields) {
      if (!field.value.trim()) continue;
      const [group, ...rest] = field.name.split(".");
      if (rest.length) (content[group] ??= {})[rest.join(".")] = field.value;
      else content[group] = field.value;
    }
    lay(body, part.dataset.part, content);
  }
  return body;
}

document.getElementById("ask").addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.submitter?.value !== "yes" || !form.dataset.act) return;
  event.preventDefault();
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
    const answer = await send("POST", form.dataset.act, { expected_epoch: Number(form.dataset.epoch), ...edits }, form.dataset.key);
    if (answer.ok) {
      const result = await answer.json();
      form.closest("dialog").close();
      if (result.waiting_for) return tell(WAITS);
      if (form.dataset.go) return location.assign(form.dataset.go + encodeURIComponent(result.campaign_id));
      return document.querySelector("[data-reload-after-act]") ? location.reload() : tell(form.dataset.done);
    }
    show((await problemOf(answer)).detail);
    // What was refused may be mended and sent again: that is another command.
    if (edits) form.dataset.key = newKey();
  } catch {
    show(UNREACHED);
  }
  buttons.forEach((button) => (button.disabled = false));
  buttons[0].focus();
});
