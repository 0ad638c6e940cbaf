// Which channels: written as `channels`, or, where they follow one another, into the steps that there are.
"use strict";
(() => {
  const group = document.querySelector("[data-channels]");
  const chosen = () => [...group.querySelectorAll("[data-channel]:checked")].map((box) => box.value);

  function write() {
    const channels = chosen();
    const steps = Peal.draft.get("steps");
    if (!Array.isArray(steps) || !steps.length) return Peal.draft.set("channels", channels.length ? channels : null);
    const kept = steps.filter((step) => channels.includes(step.channel));
    const added = channels.filter((channel) => !kept.some((step) => step.channel === channel));
    // The first step follows nothing.
    const made = [...kept, ...added.map((channel) => ({ channel }))].map((step, at) => (at ? step : { ...step, only_if: "always" }));
    Peal.draft.set("steps", made.length ? made : null);
  }

  group.addEventListener("change", (event) => event.target.matches("[data-channel]") && write());

  function show() {
    const steps = Peal.draft.get("steps");
    const channels = Array.isArray(steps) && steps.length ? steps.map((step) => step.channel) : Peal.draft.get("channels") ?? [];
    for (const box of group.querySelectorAll("[data-channel]")) box.checked = channels.includes(box.value);
  }
  document.addEventListener("peal:restored", show);
})();
