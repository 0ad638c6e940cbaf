// People listed in a campaign, as lines with commas: what a sheet of a spreadsheet pastes, and the list that is saved.
"use strict";
Peal.people = (() => {
  const OWN = ["id", "name", "email", "phone", "zone", "opt_in"];

  /** Rows of cells; a cell in quotes may hold commas, line ends and doubled quotes. */
  function rowsOf(text) {
    const mark = text.slice(0, text.indexOf("\n") < 0 ? undefined : text.indexOf("\n")).includes("\t") ? "\t" : ",";
    const rows = [];
    let row = [];
    let cell = "";
    let quoted = false;
    for (let at = 0; at < text.length; at += 1) {
      const sign = text[at];
      if (quoted && sign === '"' && text[at + 1] === '"') cell += text[(at += 1)];
      else if (sign === '"' && (quoted || !cell)) quoted = !quoted;
      else if (quoted || (sign !== mark && sign !== "\n" && sign !== "\r")) cell += sign;
      else if (sign !== "\r") {
        row.push(cell);
        cell = "";
        if (sign === "\n") rows.push(row.splice(0));
      }
    }
    rows.push([...row, cell]);
    return rows;
  }

  const quoted = (text) => (/[",\n\r\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  /** As lines; the first names the columns that anybody has something in. */
  function toText(people) {
    const attributes = [...new Set(people.flatMap((person) => Object.keys(person.attributes ?? {})))].filter((name) => !OWN.includes(name));
    const used = OWN.filter((name) => name === "id" || people.some((person) => person[name]?.length));
    const cells = (person) => [
      ...used.map((name) => (name === "opt_in" ? (person.opt_in ?? []).join(" ") : person[name] ?? "")),
      ...attributes.map((name) => person.attributes?.[name] ?? ""),
    ];
    return [[...used, ...attributes], ...people.map(cells)].map((row) => row.map((cell) => quoted(String(cell))).join(",")).join("\n");
  }

  /** From lines: {people}, or {problem, line}. A value that reads as it did before keeps its kind (a number, yes or no). */
  function fromText(text, before) {
    const [head, ...rows] = rowsOf(text);
    const columns = head.map((name) => name.trim());
    if (!text.trim()) return { people: [] };
    if (!columns.includes("id")) return { problem: "noColumn", line: 1 };
    const known = new Map(before.map((person) => [person.id, person]));
    const people = [];
    for (const [number, row] of rows.entries()) {
      if (row.every((cell) => !cell.trim())) continue;
      const said = Object.fromEntries(columns.map((name, at) => [name, (row[at] ?? "").trim()]));
      if (!said.id) return { problem: "noId", line: number + 2 };
      people.push(personOf(said, known.get(said.id)));
    }
    return { people };
  }

  function personOf(said, was) {
    const person = { id: said.id };
    const attributes = {};
    for (const [name, text] of Object.entries(said)) {
      if (name === "id" || !name) continue;
      if (name === "opt_in") {
        if (text) person.opt_in = text.split(/[\s;|]+/);
      } else if (OWN.includes(name)) {
        if (text) person[name] = text;
      } else {
        const old = was?.attributes?.[name];
        if (old !== undefined && String(old ?? "") === text) attributes[name] = old;
        else if (text) attributes[name] = text;
      }
    }
    if (Object.keys(attributes).length) person.attributes = attributes;
    return person;
  }

  return { toText, fromText };
})();
