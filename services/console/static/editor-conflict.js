// Somebody else has changed the draft: who and when, what differs, and whose shall stand.
"use strict";
(() => {
  const dialog = document.getElementById("conflict");
  const { differences, same, at } = Peal.values;
  let theirs = null;

  /** The field as a person calls it. */
  function nameOf(path) {
    const parts = path.split(".");
    for (let length = parts.length; length; length -= 1) {
      const name = Peal.draft.names[parts.slice(0, length).join(".")];
      if (name) return [name, ...parts.slice(length)].join(" › ");
    }
    return parts.join(" › ");
  }

  function shown(value) {
    if (value === null || value === undefined || value === "") return dialog.dataset.nothing;
    const text = Array.isArray(value) && value.every((each) => typeof each !== "object") ? value.join(", ")
      : typeof value === "object" ? JSON.stringify(value) : String(value);
    return text.length > 300 ? `${text.slice(0, 300)}…` : text;
  }

  function item(path, ...lines) {
    const made = document.createElement("li");
    const name = Object.assign(document.createElement("b"), { textContent: nameOf(path) });
    made.append(name, ...lines.map(([key, value]) => {
      return Object.assign(document.createElement("p"), { textContent: dialog.dataset[key].replace("{value}", () => shown(value)) });
    }));
    return made;
  }

  document.addEventListener("peal:conflict", (event) => {
    theirs = event.detail;
    const who = theirs.updated_by === Peal.draft.form.dataset.me ? dialog.dataset.you : theirs.updated_by || dialog.dataset.somebody;
    const time = new Date(theirs.updated_at).toLocaleTimeString();
    const said = dialog.dataset.says.replace("{who}", () => who).replace("{time}", time);
    dialog.querySelector("[data-conflict-says]").textContent = said;
    // Told in the line; a dialog in the middle of a word would take the next letters.
    Peal.draft.tell("conflict", said);
    list();
  });

  /** What differs now: more may have been typed since. */
  function list() {
    const mine = [...Peal.draft.pending].filter(([path, value]) => !same(at(theirs.sheet, path), value));
    const ours = (path) => mine.some(([own]) => path === own || path.startsWith(`${own}.`));
    const besides = differences(Peal.draft.base, theirs.sheet).filter(([path]) => !ours(path));
    fill("[data-both]", "[data-mine-list]", mine.map(([path, value]) => item(path, ["yours", value], ["theirs", at(theirs.sheet, path)])));
    fill("[data-other]", "[data-their-list]", besides.map(([path, was, now]) => item(path, ["before", was], ["theirs", now])));
  }
  document.querySelector("[data-opens=conflict]").addEventListener("click", list);

  function fill(part, list, items) {
    dialog.querySelector(part).hidden = !items.length;
    dialog.querySelector(list).replaceChildren(...items);
  }

  dialog.querySelector("[data-take-theirs]").addEventListener("click", () => Peal.draft.takeTheirs());
  dialog.querySelector("[data-keep-mine]").addEventListener("click", () => {
    dialog.close();
    Peal.draft.keepMine(theirs);
  });
})();
