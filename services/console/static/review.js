// Looks over what is written, and sends it: once, however often it is pressed, for the campaign has the draft's id.
"use strict";
(() => {
  const place = document.querySelector("[data-findings]");
  const AGAIN_MS = 4000;

  async function look() {
    if (!(await Peal.draft.flush())) return setTimeout(look, AGAIN_MS);
    try {
      const answer = await fetch(place.dataset.findings);
      if (answer.redirected) return location.reload();
      if (answer.ok) return show(await answer.text());
      if (answer.status === 404) return location.reload();
    } catch {
      // as where it fails: told below, and tried again
    }
    const told = place.querySelector("[data-findings-told]");
    if (told) told.textContent = place.dataset.away;
    setTimeout(look, AGAIN_MS);
  }

  function show(html) {
    place.innerHTML = html;
    place.removeAttribute("aria-busy");
    if (typeof tellTimes === "function") tellTimes(place);
    ready();
  }

  function ready() {
    const button = place.querySelector("[data-send]");
    const says = place.querySelector("[data-send-says]");
    const open = [...place.querySelectorAll("[data-doubt]")].some((box) => !box.checked);
    button.disabled = !button.dataset.ready || open;
    says.textContent = !button.dataset.ready ? says.dataset.blocked : open ? says.dataset.ticks : says.dataset.ok;
  }

  async function sendIt(button) {
    const problem = place.querySelector("[data-problem]");
    const says = place.querySelector("[data-send-says]");
    const revision = Number(place.querySelector("[data-revision]").dataset.revision);
    problem.hidden = true;
    button.disabled = true;
    says.textContent = says.dataset.sending;
    try {
      const path = `/api/v1/drafts/${encodeURIComponent(Peal.draft.id)}/launch`;
      const answer = await send("POST", path, { expected_revision: revision }, button.dataset.key);
      if (answer.ok) return Peal.draft.forget(`/campaigns/${encodeURIComponent((await answer.json()).campaign_id)}`);
      problem.textContent = (await problemOf(answer)).detail;
      // What was refused may be mended and sent again: that is another command. What got no answer is the same one.
      if (answer.status < 500) button.dataset.key = newKey();
    } catch {
      problem.textContent = place.dataset.unreached;
    }
    problem.hidden = false;
    ready();
    button.focus();
  }

  place.addEventListener("change", (event) => event.target.matches("[data-doubt]") && ready());
  place.addEventListener("click", (event) => {
    const button = event.target.closest("[data-send]");
    if (button && !button.disabled) sendIt(button);
  });
  document.addEventListener("peal:restored", look);
})();
