// Writes a template of the library, beside what a person would get from it.
"use strict";
(() => {
  const form = document.querySelector("[data-template-form]");
  const frame = document.querySelector("[data-shown] > *");
  const problem = form.querySelector("[data-problem]");
  const { channel, id } = form.dataset;
  const PAUSE_MS = 250;
  let timer = 0;
  let latest = 0;
  let changed = false;

  const pairs = (text) => Object.fromEntries(text.split("\n").filter((each) => each.includes("=")).map((each) => {
    const at = each.indexOf("=");
    return [each.slice(0, at).trim(), each.slice(at + 1).trim()];
  }));

  function content() {
    const made = {};
    for (const control of form.querySelectorAll("[data-content]")) {
      if (!control.value.trim()) continue;
      made[control.dataset.content] = control.dataset.kind === "pairs" ? pairs(control.value) : control.value;
    }
    return made;
  }

  const name = () => form.querySelector("[data-template-name]").value.trim();

  async function preview() {
    const turn = ++latest;
    const request = { sheet: { name: name(), channels: [channel], content: { [channel]: content() }, body: { link: "https://example.com/" } }, count: false };
    try {
      const answer = await send("POST", "/api/v1/content/preview", request);
      if (turn !== latest || !answer.ok) return;
      const found = await answer.json();
      Peal.frames.show(frame, found.channels[0], request);
    } catch {
      frame.querySelector("[data-told]").textContent = AWAY;
    }
  }

  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(preview, PAUSE_MS);
  });
  addEventListener("beforeunload", (event) => changed && event.preventDefault());

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const own = id || templateId(channel, name());
    if (!own) return form.querySelector("[data-template-name]").reportValidity();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await send("PUT", `/api/v1/templates/${encodeURIComponent(own)}`, { channel, name: name(), content: content(), expected_version: Number(form.dataset.version) });
      if (answer.ok) {
        const { template } = await answer.json();
        changed = false;
        tellThere(Peal.frames.fill(form.dataset.saved, template));
        return location.assign(`/templates/${encodeURIComponent(template.template_id)}`);
      }
      problem.textContent = (await problemOf(answer)).detail;
    } catch {
      problem.textContent = UNREACHED;
    }
    problem.hidden = false;
    button.disabled = false;
    button.focus();
  });

  const dialog = document.getElementById("remove");
  document.querySelector("[data-open-remove]")?.addEventListener("click", () => dialog.showModal());
  dialog?.querySelector("[data-close-remove]").addEventListener("click", () => dialog.close());
  dialog?.querySelector("[data-remove]").addEventListener("click", async () => {
    const said = dialog.querySelector("[data-problem]");
    try {
      const answer = await send("DELETE", `/api/v1/templates/${encodeURIComponent(id)}`);
      changed = false;
      if (answer.ok) return location.assign("/templates");
      said.textContent = (await problemOf(answer)).detail;
    } catch {
      said.textContent = UNREACHED;
    }
    said.hidden = false;
  });

  preview();
})();
