// Saves a channel's own text as a template of the brand's library.
"use strict";
(() => {
  const dialog = document.getElementById("save-template");
  const form = dialog.querySelector("form");
  const problem = form.querySelector("[data-problem]");
  const name = document.getElementById("template-name");
  const { draft, content } = Peal;
  let channel = "";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-save-template]");
    if (!button) return;
    channel = button.closest("[data-channel-card]").dataset.channelCard;
    name.value ||= draft.get("name") ?? "";
    problem.hidden = true;
    dialog.showModal();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const id = templateId(channel, name.value);
    problem.hidden = true;
    if (!id) return name.reportValidity();
    try {
      const answer = await send("PUT", `/api/v1/templates/${encodeURIComponent(id)}`, { channel, name: name.value.trim(), content: draft.get(`content.${channel}`) ?? {} });
      if (answer.ok) return saved((await answer.json()).template);
      problem.textContent = (await problemOf(answer)).detail;
    } catch {
      problem.textContent = UNREACHED;
    }
    problem.hidden = false;
  });

  function saved(template) {
    const at = content.library.findIndex((each) => each.template_id === template.template_id);
    content.library.splice(at < 0 ? content.library.length : at, at < 0 ? 0 : 1, template);
    dialog.close();
    const laid = document.getElementById("laid");
    laid.querySelector("[data-laid-text]").textContent = Peal.frames.fill(form.dataset.saved, template);
    laid.querySelector("[data-undo]").hidden = true;
    laid.hidden = false;
  }
})();
