// A draft's values: where they stand in the sheet, what a control says, and how two sheets differ.
"use strict";
globalThis.Peal ??= {};

Peal.values = (() => {
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

  function at(sheet, path) {
    let place = sheet;
    for (const name of path.split(".")) place = isObject(place) && Object.hasOwn(place, name) ? place[name] : undefined;
    return place;
  }

  /** Lay `value` where `path` says; null takes away what is there. */
  function put(sheet, path, value) {
    const names = path.split(".");
    const last = names.pop();
    let place = sheet;
    for (const name of names) {
      if (!Object.hasOwn(place, name) || !isObject(place[name])) {
        if (value === null) return;
        place[name] = {};
      }
      place = place[name];
    }
    if (value === null) delete place[last];
    else place[last] = value;
  }

  /** Path -> value, of everything that is no object; a list is one value. */
  function leaves(sheet, path = "", found = new Map()) {
    for (const [name, value] of Object.entries(sheet ?? {})) {
      const inner = path ? `${path}.${name}` : name;
      if (isObject(value) && Object.keys(value).length) leaves(value, inner, found);
      else found.set(inner, value);
    }
    return found;
  }

  /** Paths at which two sheets say something else: [path, one's value, the other's]. */
  function differences(one, other) {
    const [ours, theirs] = [leaves(one), leaves(other)];
    return [...new Set([...ours.keys(), ...theirs.keys()])]
      .filter((path) => !same(ours.get(path), theirs.get(path)))
      .map((path) => [path, ours.get(path), theirs.get(path)]);
  }

  /** What a control says, as JSON; null: nothing. Throws where a text is no JSON and has to be. */
  function valueOf(control) {
    const kind = control.dataset.kind;
    if (kind === "list" && control.type === "checkbox") {
      const boxes = [...control.form.elements].filter((each) => each.name === control.name && each.checked);
      return boxes.length ? boxes.map((box) => box.value) : null;
    }
    if (control.type === "radio") {
      const chosen = [...control.form.elements].find((each) => each.name === control.name && each.checked);
      return chosen?.value || null;
    }
    if (control.type === "checkbox") return control.checked;
    const text = control.value;
    if (kind === "list") {
      const parts = text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);
      return parts.length ? parts : null;
    }
    if (!text.trim()) return null;
    if (kind === "json") return JSON.parse(text);
    if (kind === "boolean") return text === "true";
    if (kind === "number") return Number.isFinite(Number(text)) ? Number(text) : text;
    return text;
  }

  /** Show a value in every control of this name. */
  function show(form, name, value) {
    for (const control of form.elements) {
      if (control.name !== name || control === document.activeElement) continue;
      if (control.type === "checkbox") control.checked = control.dataset.kind === "list" ? (value ?? []).includes(control.value) : Boolean(value);
      else if (control.type === "radio") control.checked = control.value === (value ?? "");
      else if (value === null || value === undefined) control.value = "";
      else if (control.dataset.kind === "list" && Array.isArray(value)) control.value = value.join(", ");
      else control.value = typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
    }
  }

  /** What the page holds as JSON in the template of that id. */
  const parsed = (id) => JSON.parse(document.getElementById(id).content.textContent);

  return { at, put, same, differences, valueOf, show, parsed };
})();
