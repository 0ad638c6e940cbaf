// Which of its texts each channel shows: the body's, its own, or a template's; and the way from one to the other.
"use strict";
Peal.content = (() => {
  const { draft } = Peal;
  const { show, parsed } = Peal.values;
  const [library, channelNames] = ["library", "channel-names"].map(parsed);
  const TEXTS = { email: ["html", "mjml", "text"], sms: ["text"], whatsapp: ["template", "variables", "text"], push: ["title", "message", "link", "image"], social: ["text", "link", "media"] };
  const opened = new Set(); // channels whose own text is being begun, and is still empty
  const cards = () => [...document.querySelectorAll("[data-channel-card]")];
  const nameOf = (card) => card.dataset.channelCard;

  const templateOf = (channel) => {
    const id = draft.get(`templates.${channel}`);
    return id && { id, found: library.find((each) => each.template_id === id && each.channel === channel) };
  };
  const hasOwn = (channel) => TEXTS[channel].some((name) => {
    const value = draft.get(`content.${channel}.${name}`);
    return value !== undefined && value !== null && value !== "";
  });

  /** Write into the sheet and into the controls; `value` null takes away. */
  function write(path, value) {
    draft.set(path, value);
    for (const control of draft.form.elements) {
      if (!control.name?.startsWith(path)) continue;
      if (control.name === path) show(draft.form, path, value);
      else if (control.name.startsWith(`${path}.`)) show(draft.form, control.name, Peal.values.at({ value }, `value${control.name.slice(path.length)}`));
    }
  }

  function toOwn(channel) {
    const from = templateOf(channel)?.found?.content;
    const body = draft.get("body.text") ?? "";
    const link = draft.get("body.link") && !body.includes("{{ link }}") ? " {{ link }}" : "";
    opened.add(channel);
    if (from) {
      write(`templates.${channel}`, null);
      write(`content.${channel}`, from);
    } else if (channel === "email") write("content.email.html", htmlOf(body, link));
    else if (channel === "sms" || channel === "whatsapp") write(`content.${channel}.text`, body + link || null);
    else if (channel === "push") {
      write("content.push.title", draft.get("name") ?? null);
      write("content.push.message", body || null);
    } else write("content.social.text", body || null);
    arrange();
    const first = document.querySelector(`[data-channel-card="${channel}"] [data-own-part] :is(textarea, input[name]):not([hidden])`);
    first?.focus();
  }

  function htmlOf(body, link) {
    const safe = body.replace(/({{.*?}}|{%.*?%})|[&<>]/gs, (whole, liquid) => liquid ?? { "&": "&amp;", "<": "&lt;", ">": "&gt;" }[whole]);
    const parts = safe.trim().split(/\n\s*\n/).filter(Boolean).map((part) => `<p>${part.replaceAll("\n", "<br>")}</p>`);
    if (link) parts.push('<p><a href="{{ link }}">{{ link }}</a></p>');
    const style = "max-width:600px;margin:0 auto;padding:24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5";
    return `<div style="${style}">\n${parts.join("\n")}\n</div>`;
  }

  function follow(channel) {
    opened.delete(channel);
    write(`templates.${channel}`, null);
    for (const name of TEXTS[channel]) write(`content.${channel}.${name}`, null);
    arrange();
    document.querySelector(`[data-channel-card="${channel}"] [data-own-text]`).focus();
  }

  function use(channel, id) {
    opened.delete(channel);
    write(`content.${channel}`, null);
    write(`templates.${channel}`, id);
    arrange();
  }

  /** Show of each card what belongs to how it stands. */
  function arrange() {
    for (const card of cards()) {
      const channel = nameOf(card);
      const template = templateOf(channel);
      const own = !template && (hasOwn(channel) || opened.has(channel));
      const state = card.querySelector("[data-state]");
      const { follows, own: ownWords, from, gone } = state.dataset;
      state.textContent = template ? (template.found ? Peal.frames.fill(from, template.found) : gone) : own ? ownWords : follows;
      state.className = `badge ${template ? "template" : own ? "own" : "follows"}`;
      card.querySelectorAll("[data-own-part]").forEach((part) => (part.hidden = !own));
      card.querySelectorAll("[data-follow-part]").forEach((part) => (part.hidden = own || Boolean(template)));
      card.querySelectorAll('[name^="content.email.subject"], [name^="content.email.preheader"]').forEach((control) => (control.closest(".field").hidden = Boolean(template)));
      card.querySelector("[data-own-text]").hidden = own;
      card.querySelector("[data-follow]").hidden = !own && !template;
      card.querySelector("[data-save-template]").hidden = !own;
    }
    whatsapp();
    markup();
  }

  /** Give up one form of a text for another: what was written stays in its field while the page is open. */
  function swap(channel, to, from) {
    for (const name of from) draft.set(`content.${channel}.${name}`, null);
    for (const name of to) {
      const control = draft.form.elements.namedItem(`content.${channel}.${name}`);
      if (control?.value.trim()) draft.set(control.name, control.value);
    }
    arrange();
  }

  // A mail: HTML or MJML.
  function markup() {
    const card = document.querySelector('[data-channel-card="email"]');
    if (!card) return;
    if (draft.get("content.email.mjml")) card.dataset.markup = "mjml";
    else if (draft.get("content.email.html")) card.dataset.markup = "html";
    const kind = card.dataset.markup ?? "html";
    for (const choice of card.querySelectorAll("[data-markup-choice]")) choice.checked = choice.value === kind;
    for (const part of card.querySelectorAll("[data-markup-part]")) part.hidden = part.dataset.markupPart !== kind;
  }

  // WhatsApp: an approved template with variables, or free text; both at once is wrong.
  function whatsapp() {
    const card = document.querySelector('[data-channel-card="whatsapp"]');
    if (!card) return;
    if (draft.get("content.whatsapp.template")) card.dataset.kind = "template";
    else if (draft.get("content.whatsapp.text")) card.dataset.kind = "text";
    const kind = card.dataset.kind ?? "template";
    for (const choice of card.querySelectorAll("[data-wa-choice]")) choice.checked = choice.value === kind;
    for (const part of card.querySelectorAll("[data-wa-part]")) part.hidden = part.dataset.waPart !== kind;
    variables(card.querySelector("[data-variables]"));
  }

  function variables(group) {
    const rows = group.querySelector("[data-variable-rows]");
    const names = new Set(Object.keys(draft.get("content.whatsapp.variables") ?? {}));
    for (const row of [...rows.children]) {
      if (names.has(row.dataset.variable)) names.delete(row.dataset.variable);
      else if (!row.hasAttribute("data-new")) row.remove();
    }
    for (const name of [...names].sort((one, other) => one.localeCompare(other, undefined, { numeric: true }))) addRow(group, rows, name);
  }

  function addRow(group, rows, name, fresh = false) {
    const row = document.createElement("li");
    row.className = "row-line";
    row.dataset.variable = name;
    row.toggleAttribute("data-new", fresh);
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { className: "form-control", name: `content.whatsapp.variables.${name}`, value: draft.get(`content.whatsapp.variables.${name}`) ?? "" });
    label.append(Object.assign(document.createElement("span"), { className: "form-label", textContent: Peal.frames.fill(group.dataset.label, { name }) }), input);
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: "×" });
    remove.setAttribute("aria-label", Peal.frames.fill(group.dataset.removeLabel, { name }));
    remove.addEventListener("click", () => {
      row.remove();
      draft.set(input.name, null);
      group.querySelector("[data-add-variable]").focus();
    });
    row.append(label, remove);
    rows.append(row);
    return input;
  }

  document.addEventListener("click", (event) => {
    const card = event.target.closest("[data-channel-card]");
    if (!card) return;
    if (event.target.closest("[data-own-text]")) toOwn(nameOf(card));
    if (event.target.closest("[data-follow]")) follow(nameOf(card));
    if (event.target.closest("[data-add-variable]")) {
      const group = card.querySelector("[data-variables]");
      const rows = group.querySelector("[data-variable-rows]");
      const taken = [...rows.children].map((row) => Number(row.dataset.variable) || 0);
      addRow(group, rows, String(Math.max(0, ...taken) + 1), true).focus();
    }
  });

  document.addEventListener("change", (event) => {
    const card = event.target.closest("[data-channel-card]");
    if (!card) return;
    if (event.target.matches("[data-use-template]") && event.target.value) {
      use(nameOf(card), event.target.value);
      event.target.value = "";
    }
    if (event.target.matches("[data-wa-choice]")) {
      opened.add("whatsapp");
      card.dataset.kind = event.target.value;
      if (event.target.value === "text") swap("whatsapp", ["text"], ["template", "variables"]);
      else swap("whatsapp", ["template"], ["text"]);
    }
    if (event.target.matches("[data-markup-choice]")) {
      opened.add("email");
      card.dataset.markup = event.target.value;
      if (event.target.value === "mjml") swap("email", ["mjml"], ["html"]);
      else swap("email", ["html"], ["mjml"]);
    }
  });

  document.addEventListener("peal:edit", (event) => {
    if (/^(content|templates)\b/.test(event.detail.path)) arrange();
  });
  document.addEventListener("peal:restored", arrange);
  arrange();
  return { write, arrange, library, channelNames, templateOf, opened };
})();
