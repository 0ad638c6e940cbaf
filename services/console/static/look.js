// Shows a mail as it would look, as one changes the look.
"use strict";
(() => {
  const form = document.querySelector("[data-look]");
  const shown = document.querySelector("[data-shown]");
  const frame = shown.querySelector("[data-mail]");
  let timer = 0;
  let latest = 0;

  async function preview() {
    const turn = ++latest;
    const look = Object.fromEntries([...form.querySelectorAll("[name]")].map((control) => [control.name, control.value.trim()]));
    const body = { text: shown.dataset.body.replace("{name}", "{{ name }}").replaceAll("\\n", "\n"), link: "https://example.com/" };
    const request = { sheet: { name: shown.dataset.subject, channels: ["email"], body }, look, count: false };
    try {
      const answer = await send("POST", "/api/v1/content/preview", request);
      if (turn !== latest) return;
      if (answer.ok) Peal.frames.show(frame, (await answer.json()).channels[0], request);
      else frame.querySelector("[data-told]").textContent = (await problemOf(answer)).detail;
    } catch {
      frame.querySelector("[data-told]").textContent = AWAY;
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(preview, 200);
  });
  preview();
})();
