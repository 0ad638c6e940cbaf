// Chooses as whom the messages are shown.
"use strict";
(() => {
  const dialog = document.getElementById("people");
  const input = document.getElementById("people-text");
  const told = dialog.querySelector("[data-people-told]");
  const rows = dialog.querySelector("[data-people-rows]");
  const MOST = 8;
  let timer = 0;
  let latest = 0;

  async function look() {
    const turn = ++latest;
    try {
      const answer = await send("POST", "/api/v1/content/people", { audience: Peal.draft.sheet.audience ?? {}, text: input.value, limit: MOST });
      if (turn !== latest) return;
      if (!answer.ok) return say(Peal.frames.fill(told.dataset.away, { detail: (await problemOf(answer)).detail }));
      list((await answer.json()).items);
    } catch {
      if (turn === latest) say(UNREACHED);
    }
  }

  const say = (text) => (told.textContent = text);

  function list(items) {
    const words = items.length < MOST ? told.dataset.some : told.dataset.first;
    say(items.length ? Peal.frames.fill(words, { n: items.length }) : told.dataset.none);
    rows.replaceChildren(...items.map((person) => {
      const row = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button", className: "person" });
      const more = [person.city, person.email || person.phone, person.contact].filter(Boolean).join(" · ");
      button.append(Object.assign(document.createElement("b"), { textContent: person.name || person.contact }), Object.assign(document.createElement("small"), { textContent: more }));
      button.addEventListener("click", () => choose(person.contact));
      row.append(button);
      return row;
    }));
  }

  function choose(contact) {
    dialog.close();
    Peal.preview.show(contact);
  }

  document.querySelector("[data-choose-person]").addEventListener("click", () => {
    dialog.showModal();
    input.select();
    look();
  });
  dialog.querySelector("[data-made-up-person]").addEventListener("click", () => choose(null));
  dialog.querySelector("form").addEventListener("submit", (event) => {
    if (event.submitter?.value === "no") return;
    event.preventDefault();
    rows.querySelector("button")?.click();
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 200);
  });
})();
