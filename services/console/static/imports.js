// Brings a file of people to REST, says what its columns are, and ends or repeats an import. See templates/imports.
"use strict";
const drop = document.getElementById("drop");
const KINDS = { csv: "text/csv", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson" };

function bring(file) {
  const kind = KINDS[file.name.split(".").pop().toLowerCase()] ?? (file.type === "text/csv" ? "text/csv" : "");
  if (!kind) return tell(drop.dataset.kind, true);
  tell("");
  drop.querySelector(".bringing").hidden = false;
  const bar = document.getElementById("brought"), words = document.getElementById("brought-words");
  // Not fetch: it does not say how much of a body has gone.
  const request = new XMLHttpRequest();
  request.open("POST", `/api/v1/imports?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Content-Type", kind);
  request.setRequestHeader("X-CSRF-Token", CSRF);
  request.upload.addEventListener("progress", (event) => {
    bar.value = (100 * event.loaded) / event.total;
    words.textContent = drop.dataset.progress.replace("{percent}", Math.floor(bar.value));
  });
  const fail = (text) => {
    drop.querySelector(".bringing").hidden = true;
    tell(text, true);
  };
  request.addEventListener("error", () => fail(AWAY));
  request.addEventListener("load", () => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch { /* said below */ }
    if (request.status === 201) return location.assign(`/imports/${encodeURIComponent(answer.import_id)}`);
    fail(answer.detail ? sentence(answer.detail) : FAILED.replace("{status}", request.status));
  });
  request.send(file);
}

if (drop) {
  const file = document.getElementById("file");
  file.addEventListener("change", () => file.files[0] && bring(file.files[0]));
  if (file.files[0]) bring(file.files[0]); // chosen before this script was there
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) bring(event.dataTransfer.files[0]);
    });
  }
}

async function start(place, mapping, onto, problem) {
  try {
    const body = { mapping, ...(onto && { onto }) };
    const answer = await send("POST", `/api/v1/imports/${place.dataset.import}/start`, body);
    if (answer.ok) return location.reload();
    problem((await problemOf(answer)).detail);
  } catch {
    problem(UNREACHED);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id === "drop") return event.preventDefault();
  if (form.id !== "mapping") return;
  event.preventDefault();
  const mapping = {};
  for (const select of form.querySelectorAll("[data-column]")) if (select.value) mapping[select.dataset.column] = select.value;
  const line = form.querySelector("[data-problem]");
  start(form, mapping, document.getElementById("onto").value.trim(), (text) => {
    line.textContent = text;
    line.hidden = false;
    line.scrollIntoView({ block: "nearest" });
  });
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-forget], [data-again]");
  if (!button) return;
  const place = button.closest("[data-import]");
  button.disabled = true;
  if ("again" in button.dataset) {
    await start(place, JSON.parse(place.dataset.mapping), "", (text) => tell(text, true));
  } else {
    try {
      const answer = await send("DELETE", `/api/v1/imports/${place.dataset.import}`);
      if (answer.ok) return place.id === "mapping" ? location.assign(place.dataset.imports) : location.reload();
      tell((await problemOf(answer)).detail, true);
    } catch {
      tell(UNREACHED, true);
    }
  }
  button.disabled = false;
});
