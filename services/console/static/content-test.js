// Sends a test to whoever writes, and tells what became of it.
"use strict";
(() => {
  const dialog = document.getElementById("test");
  const form = dialog.querySelector("[data-test-form]");
  const problem = form.querySelector("[data-problem]");
  const results = form.querySelector("[data-test-results]");
  const cost = form.querySelector("[data-test-cost]");
  const KEEP = "peal-test-to";
  const PATIENCE = 60;
  const { fill, money } = Peal.frames;
  let key = newKey();
  let watching = 0;

  const chosen = () => [...form.querySelectorAll("[data-test-channel]:checked")].map((box) => box.value);
  const to = () => Object.fromEntries([...form.querySelectorAll("[data-test-to]")].map((input) => [input.dataset.testTo, input.value.trim()]));

  function tellCost() {
    const shown = (Peal.preview.answer?.channels ?? []).filter((each) => chosen().includes(each.channel));
    const known = shown.filter((each) => each.cost_micros !== null);
    const sum = known.reduce((total, each) => total + each.cost_micros, 0);
    cost.textContent = known.length ? fill(cost.dataset.says, { cost: money(sum), currency: known[0].currency }) : "";
  }

  function wrong(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  document.querySelector("[data-open-test]").addEventListener("click", () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEEP) ?? "{}");
      for (const input of form.querySelectorAll("[data-test-to]")) input.value ||= kept[input.dataset.testTo] ?? "";
    } catch { /* then they are typed anew */ }
    results.hidden = true;
    wrong("");
    tellCost();
    dialog.showModal();
  });
  form.addEventListener("change", tellCost);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[data-test-send]");
    wrong("");
    button.disabled = true;
    try {
      localStorage.setItem(KEEP, JSON.stringify(to()));
    } catch { /* then they are typed anew */ }
    try {
      const answer = await send("POST", "/api/v1/content/test", { ...Peal.preview.request(), to: to(), channels: chosen() }, key);
      if (answer.ok) watch(await answer.json());
      else wrong((await problemOf(answer)).detail);
      if (answer.status < 500) key = newKey();
    } catch {
      wrong(UNREACHED);
    }
    button.disabled = false;
    if (!problem.hidden) button.focus();
  });

  async function watch(test) {
    const turn = ++watching;
    for (let tries = 0; tries < PATIENCE && turn === watching; tries += 1) {
      try {
        const answer = await fetch(`/api/v1/campaigns/${encodeURIComponent(test.campaign_id)}/stats`);
        if (answer.ok && list(test, await answer.json())) return;
      } catch { /* the next look may get an answer */ }
      await new Promise((done) => setTimeout(done, 1000));
    }
  }

  /** True when nothing more is to be waited for. */
  function list(test, stats) {
    const say = results.dataset;
    const lines = test.channels.map((channel) => {
      const item = document.createElement("li");
      item.append(Object.assign(document.createElement("b"), { textContent: Peal.content.channelNames[channel] }), ` ${standing(stats.by_channel[channel], say)}`);
      return item;
    });
    const spent = Object.assign(document.createElement("li"), { className: "hint", textContent: fill(say.costs, { cost: money(stats.spent_micros), currency: stats.currency }) });
    results.hidden = false;
    results.replaceChildren(...lines, spent);
    return test.channels.every((channel) => {
      const counts = stats.by_channel[channel];
      return counts && (counts.delivered || counts.suppressed || counts.failed || counts.bounced);
    });
  }

  function standing(counts, say) {
    const reason = (reasons) => Object.keys(reasons ?? {})[0]?.replaceAll("_", " ") ?? "";
    if (!counts) return say.waiting;
    if (counts.suppressed) return fill(say.suppressed, { reason: reason(counts.suppressed_by_reason) });
    if (counts.failed || counts.bounced) return fill(say.failed, { reason: reason(counts.failed_by_reason) });
    if (counts.uncertain) return say.uncertain;
    if (counts.delivered) return say.delivered;
    return counts.sent ? say.sent : say.waiting;
  }
})();
