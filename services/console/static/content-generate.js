// Three variants from an AI service; the one that is chosen is laid into the sheet, and one click takes it back.
"use strict";
(() => {
  const dialog = document.getElementById("generate");
  const form = dialog.querySelector("[data-generate-form]");
  const told = form.querySelector("[data-generate-told]");
  const problem = form.querySelector("[data-problem]");
  const places = form.querySelector("[data-variants]");
  const laid = document.getElementById("laid");
  const { draft, content, frames } = Peal;
  let before = null; // path -> value, as it was

  const channels = () => [...document.querySelectorAll("[data-channel-card]")].map((card) => card.dataset.channelCard);

  document.querySelector("[data-open-generate]").addEventListener("click", () => {
    form.querySelector("[data-generate-name]").textContent = draft.get("name") ?? "–";
    const description = form.querySelector("[data-generate-description]");
    description.textContent = draft.get("description") || description.dataset.none;
    dialog.showModal();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[data-generate-now]");
    problem.hidden = true;
    told.textContent = told.dataset.busy;
    button.disabled = true;
    try {
      const answer = await send("POST", "/api/v1/generate", {
        name: draft.get("name") ?? "", description: draft.get("description") ?? "", channels: channels(),
        voice: document.getElementById("voice").value, link: Boolean(draft.get("body.link")),
      });
      if (answer.ok) list(await answer.json());
      else fail((await problemOf(answer)).detail);
    } catch {
      fail(UNREACHED);
    }
    button.disabled = false;
  });

  function fail(text) {
    told.textContent = "";
    problem.textContent = text;
    problem.hidden = false;
  }

  function list(found) {
    form.querySelector("[data-sample]").hidden = !found.sample;
    told.textContent = found.dropped.length ? frames.fill(told.dataset.dropped, { what: found.dropped.join(" ") }) : "";
    const template = form.querySelector("template[data-variant]");
    places.replaceChildren(...found.variants.map((variant) => {
      const card = template.content.firstElementChild.cloneNode(true);
      card.querySelector("[data-label]").textContent = variant.label;
      card.querySelector("dl").replaceChildren(...Object.entries(variant.changes).flatMap(([path, value]) => texts(path, value)));
      card.querySelector("[data-use]").addEventListener("click", () => use(variant));
      return card;
    }));
    places.querySelector("button")?.focus();
  }

  function texts(path, value) {
    if (value === null) return [];
    const channel = path.split(".")[1];
    const name = path === "body.text" ? told.dataset.body : content.channelNames[channel];
    const text = typeof value === "string" ? value : Object.values(value).filter(Boolean).join("\n");
    return [Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: text })];
  }

  /** An approved WhatsApp template stays: no text may stand in for it. */
  const kept = (path) => path.endsWith(".whatsapp") && draft.get("content.whatsapp.template");

  function use(variant) {
    const changes = Object.entries(variant.changes).filter(([path]) => !kept(path));
    before = changes.map(([path]) => [path, structuredClone(draft.get(path) ?? null)]);
    lay(changes);
    dialog.close();
    laid.querySelector("[data-laid-text]").textContent = frames.fill(told.dataset.laid, variant);
    laid.hidden = false;
    laid.querySelector("[data-undo]").hidden = false;
    laid.querySelector("[data-undo]").focus();
  }

  function lay(changes) {
    content.opened.clear();
    for (const [path, value] of changes) content.write(path, value);
    content.arrange();
  }

  laid.querySelector("[data-undo]").addEventListener("click", () => {
    lay(before);
    laid.hidden = true;
    document.querySelector("[data-open-generate]").focus();
  });
})();
