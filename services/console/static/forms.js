// Sends forms to REST as JSON, and says beside each field what is wrong with it; what was typed stays.
//
//   <form data-send="PUT /api/v1/operators/{operator_id}" data-done="Saved.">
//     data-send   method and path; {name} is taken from the field of that name, and not sent in the body
//     data-done   said in #told when it went well      data-go    where to go then; {name} is taken from the answer
//     data-reload load the page again then             data-shows id of an element whose [data-value=name] are filled
//     data-bare   send no body
//   <p class="alert bad" role="alert" data-problem hidden></p>   where what is wrong is said as a whole
//   names: "limits.caps.0.per" is a path in the body. data-kind: one of `kinds`; else text
//     data-empty="omit" or "null": what an empty field is (else "", and of a number null)
//     [data-group="limits.quiet_hours"]: where nothing stands in it, null; with data-omit, left out
//     [data-list="limits.caps"], [data-object="keywords"]: sent empty where nothing of it is said
//     (selects, boxes and [data-incidental] do not count as something that stands there)
//     [data-row="limits.caps"]: its fields' names go on from there; a row in which nothing stands is left out
//   In a dialog a button with value="no" closes it.
"use strict";

/** Of a text, by `data-kind`; "" is what data-empty says, else null. */
const kinds = {
  number: (text) => (text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text)),
  boolean: (text) => text === "true",
  list: (text) => text.split(/[\n,]/).map((part) => part.trim()).filter(Boolean),
  json: (text) => (text === "" ? null : JSON.parse(text)),
  micros: (text) => (text === "" ? null : Number.isNaN(Number(text)) ? text : Math.round(Number(text) * 1e6)),
  /** Lines such as "plan = gold", or "plan = gold | silver" for any of them. */
  pairs: (text) => Object.fromEntries(text.split("\n").filter((line) => line.trim()).map((line) => {
    const [name, ...rest] = line.split("=");
    const value = rest.join("=").trim();
    if (value.startsWith("{")) return [name.trim(), JSON.parse(value)];
    return [name.trim(), value.includes(" | ") ? value.split(" | ").map((each) => each.trim()) : value];
  })),
  day: (text) => (text === "" ? null : `${text}T00:00:00Z`),
  /** Lines such as "IN 0.0045". */
  prices: (text) => Object.fromEntries(text.split("\n").filter((line) => line.trim()).map((line) => {
    const [name, price] = line.trim().split(/[\s:=]+/);
    return [name.toUpperCase(), kinds.micros(price ?? "")];
  })),
};

function valueOf(control) {
  const text = control.value.trim();
  if (control.type === "checkbox" && control.dataset.kind === "boolean") return control.checked;
  const read = kinds[control.dataset.kind];
  return read ? read(text) : control.type === "password" ? control.value : text;
}

function isBlank(part) {
  const counted = "input:not([type=checkbox], [type=radio], [data-incidental]), textarea";
  return [...part.querySelectorAll(counted)].every((control) => !control.value.trim());
}

/** The body, and which control stands behind each path of it. */
function collect(form) {
  const body = {}, controls = new Map(), rows = new Map(), counts = {};
  for (const control of form.querySelectorAll("[name]")) {
    if (control.disabled || control.type === "submit" || (control.type === "radio" && !control.checked)) continue;
    let path = control.name;
    const row = control.closest("[data-row]"), group = control.closest("[data-group]");
    if (group && isBlank(group)) {
      if (!("omit" in group.dataset)) body[group.dataset.group] = null;
      continue;
    }
    if (row) {
      if (isBlank(row)) continue;
      if (!rows.has(row)) rows.set(row, (counts[row.dataset.row] = (counts[row.dataset.row] ?? -1) + 1));
      path = `${row.dataset.row}.${rows.get(row)}.${path}`;
    }
    const choice = control.type === "checkbox" && control.dataset.kind !== "boolean";
    if (choice) {
      const chosen = (controls.has(path) && body[path]) || [];
      body[path] = control.checked ? [...chosen, control.value] : chosen;
    } else if (control.value.trim() === "" && control.dataset.empty) {
      if (control.dataset.empty === "null") body[path] = null;
    } else body[path] = valueOf(control);
    if (!controls.has(path)) controls.set(path, control);
  }
  for (const list of form.querySelectorAll("[data-list]")) if (!(list.dataset.list in counts)) body[list.dataset.list] = [];
  for (const { dataset: { object } } of form.querySelectorAll("[data-object]")) {
    if (!Object.keys(body).some((path) => path.startsWith(`${object}.`))) body[object] = {};
  }
  return { body, controls };
}

function filled(pattern, values, taken, write = encodeURIComponent) {
  return pattern.replace(/{(\w+)}/g, (_whole, name) => {
    taken?.push(name);
    return write(values[name] ?? "");
  });
}

function clear(form) {
  form.querySelectorAll(".wrong").forEach((note) => note.remove());
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.setAttribute("aria-describedby", control.dataset.describedby ?? "");
    if (!control.dataset.describedby) control.removeAttribute("aria-describedby");
  }
}

/** Say it beside the control; a group of choices has it below them all. */
function mark(control, text) {
  const note = document.createElement("p");
  note.className = "wrong";
  note.id = `${control.id || newKey()}-wrong`;
  note.textContent = sentence(text);
  (control.closest(".choice-group") ?? control.closest(".form-check") ?? control).after(note);
  control.dataset.describedby = control.getAttribute("aria-describedby") ?? "";
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", `${control.dataset.describedby} ${note.id}`.trim());
}

/** Each error beside the field that it names; one of a part of a field, beside that field. Returns those without one. */
function markAll(errors, controls) {
  const homeless = [], marked = [];
  for (const { field, message } of errors) {
    const path = [...controls.keys()].filter((each) => each === field || field.startsWith(`${each}.`) || each.startsWith(`${field}.`));
    const control = controls.get(path.sort((one, other) => other.length - one.length)[0]);
    if (control && control.type !== "hidden") {
      mark(control, message);
      marked.push(control);
    } else homeless.push(message);
  }
  marked.find((control) => control.checkVisibility?.() ?? true)?.focus();
  return { homeless, marked };
}

function succeed(form, answer) {
  form.dataset.key = "";
  const { done = "", go, shows } = form.dataset;
  const said = filled(done, answer, null, String);
  if (shows) {
    const place = document.getElementById(shows);
    for (const element of place.querySelectorAll("[data-value]")) {
      const value = answer[element.dataset.value] ?? "";
      if ("value" in element) element.value = value;
      else element.textContent = value;
    }
    form.hidden = true;
    place.hidden = false;
    return place.focus();
  }
  form.closest("dialog")?.close();
  if (go || "reload" in form.dataset) {
    tellThere(said);
    return go ? location.assign(filled(go, answer)) : location.reload();
  }
  form.dispatchEvent(new CustomEvent("peal:sent", { bubbles: true, detail: answer }));
  tell(said);
}

async function submit(form, button) {
  const [method, pattern] = form.dataset.send.split(" ");
  const problem = form.querySelector("[data-problem]");
  const show = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  clear(form);
  show("");
  if (document.getElementById("told")) document.getElementById("told").textContent = "";
  let flat, controls;
  try {
    ({ body: flat, controls } = collect(form));
  } catch (error) {
    return show(sentence(error.message));
  }
  const taken = [];
  const path = filled(pattern, flat, taken);
  const body = {};
  for (const [name, value] of Object.entries(flat)) if (!taken.includes(name)) lay(body, name, value);
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((each) => (each.disabled = true));
  form.setAttribute("aria-busy", "true");
  let focus = button;
  try {
    const answer = await send(method, path, "bare" in form.dataset ? undefined : body, (form.dataset.key ||= newKey()));
    if (answer.ok) succeed(form, answer.status === 204 ? {} : await answer.json());
    else {
      const found = await problemOf(answer);
      const { homeless, marked } = markAll(found.errors, controls);
      show(marked.length && !homeless.length && marked.length > 1 ? (form.dataset.several ?? found.detail) : found.detail);
      if (marked.length) focus = null;
      // What was refused may be mended and sent again: that is another request.
      if (answer.status < 500) form.dataset.key = "";
    }
  } catch {
    show(UNREACHED);
  }
  buttons.forEach((each) => (each.disabled = false));
  form.removeAttribute("aria-busy");
  if (!form.hidden && form.isConnected && !problem.hidden && focus) focus.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.send || event.submitter?.value === "no") return;
  event.preventDefault();
  if (!form.hasAttribute("aria-busy")) submit(form, event.submitter);
});

// Opens a dialog of the page, copies a text, or leaves what told a secret once.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reload-page], [data-copy], [data-open]");
  if (!button) return;
  if (button.dataset.open) return document.getElementById(button.dataset.open).showModal();
  if ("reloadPage" in button.dataset) return location.reload();
  const field = document.getElementById(button.dataset.copy);
  const text = "value" in field ? field.value : field.textContent;
  navigator.clipboard?.writeText(text.trim()).then(() => (button.textContent = button.dataset.copied), () => field.select?.());
});

// Shows a part of a form for some choices alone: [data-when="provider=twilio"]; what is hidden is not sent.
function suit(root = document) {
  for (const part of root.querySelectorAll("[data-when]")) {
    const [name, wanted] = part.dataset.when.split("=");
    const chosen = part.closest("form").querySelector(`[name="${name}"]:checked, select[name="${name}"]`)?.value;
    part.hidden = chosen !== wanted;
    part.querySelectorAll("[name]").forEach((control) => (control.disabled = part.hidden));
  }
}
document.addEventListener("change", (event) => event.target.form?.querySelector("[data-when]") && suit(event.target.form));
suit();

document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
