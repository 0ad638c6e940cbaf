// Saved segments in an audience: one in place of all conditions, and several that are combined with them.
"use strict";
(() => {
  const { form } = Peal.draft;
  const FILTER = "audience.filter";

  // A saved segment's conditions, in place of those that are chosen.
  const segment = form.querySelector("#segment");
  if (!segment) return;
  const take = form.querySelector("[data-take-segment]");
  segment.addEventListener("change", () => (take.disabled = !segment.value));
  take.addEventListener("click", async () => {
    Peal.draft.set(FILTER, JSON.parse(segment.value));
    if (await Peal.draft.flush()) location.reload();
  });

  // Combined: "any" is a list of conditions, "not" is one, which holds a list where it stands for several.
  const listed = {
    any: { read: (value) => (Array.isArray(value) ? value : []), write: (list) => (list.length ? list : null) },
    not: {
      read: (value) => {
        if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
        return Object.keys(value).join() === "any" && Array.isArray(value.any) ? value.any : [value];
      },
      write: (list) => (list.length > 1 ? { any: list } : (list[0] ?? null)),
    },
  };

  /** One text for the same conditions, in whatever order their names stand. */
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical)}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)}}`;
  }

  const sameConditions = (one, other) => canonical(one) === canonical(other);

  for (const group of form.querySelectorAll("[data-combined]")) {
    const { read, write } = listed[group.dataset.combined];
    const path = `${FILTER}.${group.dataset.combined}`;
    const known = [...group.querySelectorAll("option")].filter((option) => option.value)
      .map((option) => [JSON.parse(option.value), option.textContent]);
    Peal.chosenList(group, {
      items: () => read(Peal.draft.get(path)),
      put(list) {
        const value = write(list);
        Peal.draft.set(path, value);
        Peal.values.show(form, path, value);
      },
      parse: JSON.parse,
      same: sameConditions,
      label: (conditions) => known.find(([each]) => sameConditions(each, conditions))?.[1] ?? group.dataset.own,
    });
  }
})();
