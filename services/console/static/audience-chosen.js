// Lists that one adds to by a choice and takes from by a button: campaigns whose people are left out, segments.
"use strict";

/** `items` are those of the draft, and `put` writes them; `parse` makes one of a choice's value. */
Peal.chosenList = (group, { items, put, parse, same, label }) => {
  const select = group.querySelector("select");

  const show = () => group.querySelector("[data-chosen]").replaceChildren(...items().map((item, place) => {
    const row = group.querySelector("[data-row]").content.firstElementChild.cloneNode(true);
    row.dataset.place = place;
    row.querySelector("[data-label]").textContent = label(item);
    return row;
  }));

  select.addEventListener("change", (event) => {
    event.stopPropagation();
    if (!select.value) return;
    const item = parse(select.value);
    if (!items().some((each) => same(each, item))) put([...items(), item]);
    select.value = "";
  });
  group.addEventListener("click", (event) => {
    const row = event.target.closest("[data-remove]")?.closest("li");
    if (!row) return;
    put(items().filter((_, place) => place !== Number(row.dataset.place)));
    select.focus();
  });
  document.addEventListener("peal:edit", (event) => event.detail.path.startsWith("audience") && show());
  document.addEventListener("peal:restored", show);
};

for (const group of Peal.draft.form.querySelectorAll("[data-campaigns]")) {
  const path = group.dataset.campaigns;
  const names = new Map([...group.querySelectorAll("option")].map((option) => [option.value, option.textContent]));
  Peal.chosenList(group, {
    items: () => (Array.isArray(Peal.draft.get(path)) ? Peal.draft.get(path) : []),
    put: (ids) => Peal.draft.set(path, ids.length ? ids : null),
    parse: (id) => id,
    same: (one, other) => one === other,
    label: (id) => names.get(id) ?? id,
  });
}
