// The audience's parts that are more than one control: where the people are from, attributes, and what is offered while
// one types.
"use strict";
(() => {
  const { form } = Peal.draft;
  const { same } = Peal.values;
  const FILTER = "audience.filter";

  // Where the people are from: the other choice is put aside, and comes back when one changes back.
  const ASIDE = `peal-aside/${form.dataset.brand}/${form.dataset.draft}`;
  const aside = {};
  try {
    Object.assign(aside, JSON.parse(localStorage.getItem(ASIDE) ?? "{}"));
  } catch {
    // a browser that keeps nothing: then it is put aside while the page is open
  }
  const source = form.querySelector("[data-source]");
  const sourceNow = () => (Array.isArray(Peal.draft.get("audience.recipients")) ? "recipients" : "filter");
  const part = (name) => form.querySelector(`[data-source-part=${name}]`);

  function showSource(name) {
    for (const each of ["filter", "recipients"]) part(each).hidden = each !== name;
    for (const radio of source.querySelectorAll("input")) radio.checked = radio.value === name;
  }

  source.addEventListener("change", (event) => {
    const wanted = event.target.value;
    const now = sourceNow();
    if (wanted === now) return showSource(wanted);
    const was = Peal.draft.get(`audience.${now}`);
    if (was !== undefined) aside[now] = was;
    try {
      localStorage.setItem(ASIDE, JSON.stringify(aside));
    } catch {
      // as above
    }
    Peal.draft.set("audience", wanted === "recipients" ? { recipients: aside.recipients ?? [] } : aside.filter ? { filter: aside.filter } : null);
    source.querySelector("[data-put-aside]").hidden = was === undefined;
    showSource(wanted);
  });

  // People, as lines.
  const box = form.querySelector("[data-people]");
  const told = form.querySelector("[data-people-told]");

  function showPeople() {
    const people = Peal.draft.get("audience.recipients");
    if (Array.isArray(people) && people.length && document.activeElement !== box) box.value = Peal.people.toText(people);
    tellPeople(Array.isArray(people) ? people.length : 0);
  }

  const tellPeople = (count) => (told.textContent = count ? told.dataset.count.replace("{n}", count.toLocaleString()) : "");

  box.addEventListener("input", () => {
    const found = Peal.people.fromText(box.value, Peal.draft.get("audience.recipients") ?? []);
    box.toggleAttribute("data-unreadable", Boolean(found.problem));
    if (found.problem) told.textContent = told.dataset[found.problem].replace("{line}", found.line);
    else {
      Peal.draft.set("audience.recipients", found.people);
      tellPeople(found.people.length);
    }
  });

  // A filter without a role means everybody: say so where it is chosen.
  document.addEventListener("peal:edit", (event) => {
    if (!event.detail.path.startsWith("audience")) return;
    const role = Peal.draft.get(`${FILTER}.role`) ?? (Peal.draft.get(FILTER) ? "all" : "");
    for (const radio of form.querySelectorAll(`[name="${FILTER}.role"]`)) radio.checked = radio.value === role;
  });

  // Attributes: all of them are one value, for their names may hold dots.
  const attributes = form.querySelector("[data-attributes]");
  const rows = attributes.querySelector("[data-rows]");
  const newRow = () => attributes.querySelector("[data-row]").content.firstElementChild.cloneNode(true);

  function shownTest(wanted) {
    if (wanted === null || typeof wanted !== "object") return { test: "is", value: String(wanted) };
    if (Array.isArray(wanted)) return { test: "is", value: wanted.join(", ") };
    const names = Object.keys(wanted).filter((name) => wanted[name] !== null).sort().join();
    if (names === "at_least") return { test: "at_least", value: String(wanted.at_least) };
    if (names === "at_most") return { test: "at_most", value: String(wanted.at_most) };
    if (names === "at_least,at_most") return { test: "between", value: String(wanted.at_least), to: String(wanted.at_most) };
    if (names === "exists") return { test: wanted.exists ? "exists" : "lacks", value: "" };
    return { test: "json", value: JSON.stringify(wanted) };
  }

  const numberOr = (text) => (text.trim() && Number.isFinite(Number(text)) ? Number(text) : text.trim());

  function wantedOf(row) {
    const [test, value, to] = ["test", "value", "to"].map((name) => row.querySelector(`[data-${name}]`).value);
    if (row.was && same(shownTest(row.was), { ...shownTest(row.was), test, value, ...(test === "between" && { to }) })) return row.was;
    if (test === "exists" || test === "lacks") return { exists: test === "exists" };
    if (!value.trim()) return undefined;
    if (test === "at_least" || test === "at_most") return { [test]: numberOr(value) };
    if (test === "between") return { at_least: numberOr(value), ...(to.trim() && { at_most: numberOr(to) }) };
    if (test === "json") return row.was;
    const parts = value.split(",").map((each) => each.trim()).filter(Boolean);
    return parts.length === 1 ? parts[0] : parts;
  }

  function fitRow(row) {
    const test = row.querySelector("[data-test]").value;
    row.querySelector("[data-value-part]").hidden = test === "exists" || test === "lacks";
    row.querySelector("[data-to-part]").hidden = test !== "between";
    row.querySelector("[data-value]").readOnly = test === "json";
  }

  function showAttributes() {
    const found = Peal.draft.get(`${FILTER}.attributes`);
    rows.replaceChildren(...Object.entries(found && typeof found === "object" ? found : {}).map(([name, wanted]) => {
      const row = newRow();
      const shown = shownTest(wanted);
      row.was = wanted;
      row.querySelector("[data-name]").value = name;
      row.querySelector("[data-test]").value = shown.test;
      row.querySelector("[data-value]").value = shown.value;
      row.querySelector("[data-to]").value = shown.to ?? "";
      fitRow(row);
      return row;
    }));
  }

  function writeAttributes() {
    const made = {};
    for (const row of rows.children) {
      const name = row.querySelector("[data-name]").value.trim();
      const wanted = wantedOf(row);
      if (name && wanted !== undefined) made[name] = wanted;
    }
    Peal.draft.set(`${FILTER}.attributes`, Object.keys(made).length ? made : null);
  }

  attributes.addEventListener("input", (event) => {
    const row = event.target.closest(".row-line");
    if (!row) return;
    fitRow(row);
    writeAttributes();
  });
  attributes.addEventListener("click", (event) => {
    if (event.target.closest("[data-add]")) {
      rows.append(newRow());
      rows.lastElementChild.querySelector("[data-name]").focus();
    }
    const remove = event.target.closest("[data-remove]");
    if (!remove) return;
    remove.closest(".row-line").remove();
    (rows.lastElementChild?.querySelector("[data-name]") ?? attributes.querySelector("[data-add]")).focus();
    writeAttributes();
  });

  // What is known is offered, also for the last of several values in one field.
  async function offer() {
    const answer = await fetch("/api/v1/audience/known").catch(() => null);
    if (!answer?.ok) return;
    const known = await answer.json();
    fill(document.getElementById("known-attributes"), known.attributes);
    for (const field of form.querySelectorAll("[data-offers]")) {
      const names = known[field.dataset.offers].map((each) => each.name);
      const list = document.createElement("datalist");
      list.id = `known-${field.dataset.offers}`;
      field.after(list);
      field.setAttribute("list", list.id);
      const suggest = () => {
        const before = field.value.includes(",") ? field.value.slice(0, field.value.lastIndexOf(",") + 1) : "";
        const given = before.split(",").map((each) => each.trim());
        fill(list, names.filter((name) => !given.includes(name)).map((name) => (before ? `${before} ${name}` : name)));
      };
      field.addEventListener("input", suggest);
      suggest();
    }
  }
  const fill = (list, values) => list.replaceChildren(...values.map((value) => Object.assign(document.createElement("option"), { value })));

  document.addEventListener("peal:restored", () => {
    showSource(sourceNow());
    showPeople();
    showAttributes();
  });
  offer();
})();
