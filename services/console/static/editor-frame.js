// The frame around the steps: how each step stands, what is wrong with a field, and its dialogs.
"use strict";
(() => {
  const { form } = Peal.draft;
  const LACKING = ["missing", "no_content", "no_channels", "no_audience"];
  const words = document.getElementById("mark-words").dataset;

  function mark(steps) {
    for (const item of document.querySelectorAll(".steps-bar [data-step]")) {
      const state = steps[item.dataset.step];
      item.dataset.mark = state ?? "";
      item.querySelector("[data-mark-words]").textContent = state ? `, ${words[state]}` : "";
    }
  }

  const fits = (field, name) => field === name || field.startsWith(`${name}.`);

  /** Beside each field what is wrong with it; what belongs to none of this page's stands at the step's end. */
  function judge(problems) {
    for (const old of form.querySelectorAll(".wrong")) old.remove();
    for (const control of form.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-errormessage");
    }
    const rest = [];
    for (const problem of problems) {
      if (problem.step !== form.dataset.stepShown || LACKING.includes(problem.problem)) continue;
      const place = [...form.querySelectorAll("[data-wrong-for]")].find((each) => fits(problem.field, each.dataset.wrongFor));
      const control = [...form.elements].find((each) => each.name && fits(problem.field, each.name));
      if (!place && !control) rest.push(sentence(problem.message));
      else beside(place ?? control.closest(".field") ?? control.parentElement, control, problem);
    }
    const list = document.getElementById("step-problems");
    list.hidden = !rest.length;
    list.replaceChildren(...rest.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  }

  function beside(place, control, problem) {
    const told = Object.assign(document.createElement("p"), { className: "wrong", textContent: sentence(problem.message) });
    told.id = `wrong-${problem.field}-${problem.problem}`;
    place.append(told);
    control?.setAttribute("aria-invalid", "true");
    control?.setAttribute("aria-errormessage", told.id);
  }

  document.addEventListener("peal:saved", (event) => {
    mark(event.detail.steps);
    judge(event.detail.problems);
  });
  document.addEventListener("peal:edit", (event) => {
    if (event.detail.path !== "name") return;
    const title = document.querySelector("[data-draft-name]");
    title.textContent = event.detail.value || title.dataset.nameless;
  });
  document.addEventListener("click", (event) => {
    const opens = event.target.closest("[data-opens]");
    if (opens) document.getElementById(opens.dataset.opens)?.showModal();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  });

  document.querySelector("[data-delete-draft]").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    const problem = button.closest("dialog").querySelector("[data-problem]");
    button.disabled = true;
    try {
      const answer = await send("DELETE", `/api/v1/drafts/${encodeURIComponent(Peal.draft.id)}`);
      if (answer.ok || answer.status === 404) return Peal.draft.forget(button.dataset.go);
      problem.textContent = (await problemOf(answer)).detail;
    } catch {
      problem.textContent = document.getElementById("saved").dataset.away;
    }
    problem.hidden = false;
    button.disabled = false;
  });

  // The address may name a field: the review leads here.
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted.startsWith("field=")) {
    const path = wanted.slice(6);
    const control = [...form.elements].find((each) => each.name && fits(path, each.name))
      ?? [...form.querySelectorAll("[data-wrong-for]")].find((each) => fits(path, each.dataset.wrongFor))?.querySelector("input, select, button, textarea");
    control?.focus();
    control?.scrollIntoView({ block: "center" });
  }
  judge(Peal.values.parsed("findings"));
})();
