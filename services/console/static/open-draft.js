// Asks REST for a draft and goes on to its first step; asks again by itself where nobody answers.
"use strict";
(() => {
  const place = document.getElementById("opening");
  const told = document.getElementById("opening-told");
  const PAUSE_MS = 3000;
  // One key for this page, however often it asks: a lost answer makes no second draft.
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");

  async function open() {
    try {
      const answer = await fetch("/api/v1/drafts", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": place.dataset.csrf, "Idempotency-Key": key },
        body: place.dataset.body,
      });
      const body = await answer.json();
      if (answer.ok) return location.replace(`/campaigns/${encodeURIComponent(body.draft_id)}/edit/general`);
      told.textContent = body.detail;
      if (answer.status < 500) return;
    } catch {
      told.textContent = place.dataset.away;
    }
    setTimeout(open, PAUSE_MS);
  }
  open();
})();
