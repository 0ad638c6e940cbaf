// Asks REST for a draft and goes on to its first step; asks again by itself where nobody answers.
"use strict";
(() => {
  const place = document.getElementById("opening");
  const told = document.getElementById("opening-told");
  const PAUSE_MS = 3000;
  // One key for this page, however often it asks: a lost answer makes no second draft.
  const key = newKey();

  async function open() {
    try {
      const answer = await send("POST", "/api/v1/drafts", JSON.parse(place.dataset.body), key);
      if (answer.ok) return location.replace(`/campaigns/${encodeURIComponent((await answer.json()).draft_id)}/edit/general`);
      told.textContent = (await problemOf(answer)).detail;
      if (answer.status < 500) return;
    } catch {
      told.textContent = place.dataset.away;
    }
    setTimeout(open, PAUSE_MS);
  }
  open();
})();
