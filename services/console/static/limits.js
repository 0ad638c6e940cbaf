// Frequency caps and the expiry: rows and durations, written whole.
"use strict";
(() => {
  const place = document.querySelector("[data-limits]");
  const caps = place.querySelector("[data-caps]");
  const list = caps.querySelector("[data-rows]");
  const [expires, unit] = [place.querySelector("[data-expires]"), place.querySelector("[data-expires-unit]")];

  function amountOf(text) {
    const match = /^(\d+)([smhd])$/.exec(String(text ?? ""));
    return match && match[2] !== "s" ? { number: match[1], unit: match[2] } : { number: String(text ?? ""), unit: "d" };
  }
  const durationOf = (number, sign) => (/^\d+$/.test(number.trim()) ? `${number.trim()}${sign}` : number.trim());
  const numberOr = (text) => (/^\d+$/.test(text.trim()) ? Number(text) : text.trim());

  function show() {
    const now = Peal.draft.get("limits.caps");
    if (!list.contains(document.activeElement)) {
      list.replaceChildren(...(Array.isArray(now) ? now : []).map((cap) => {
        const row = newRow();
        const per = amountOf(cap?.per);
        row.querySelector("[data-messages]").value = cap?.messages ?? "";
        row.querySelector("[data-per]").value = per.number;
        row.querySelector("[data-per-unit]").value = per.unit;
        row.querySelector("[data-cap-channel]").value = cap?.channel ?? "";
        return row;
      }));
    }
    if (document.activeElement === expires || document.activeElement === unit) return;
    const after = amountOf(Peal.draft.get("limits.expires_after"));
    expires.value = after.number;
    unit.value = after.unit;
  }

  function newRow() {
    const row = caps.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-per-unit]").value = "d";
    return row;
  }

  function write() {
    const made = [...list.children].map((row) => {
      const channel = row.querySelector("[data-cap-channel]").value;
      return {
        messages: numberOr(row.querySelector("[data-messages]").value),
        per: durationOf(row.querySelector("[data-per]").value, row.querySelector("[data-per-unit]").value),
        ...(channel && { channel }),
      };
    });
    Peal.draft.set("limits.caps", made.length ? made : null);
  }

  list.addEventListener("input", write);
  caps.addEventListener("click", (event) => {
    if (event.target.closest("[data-add]")) {
      list.append(newRow());
      list.lastElementChild.querySelector("[data-messages]").focus();
      write();
    }
    const remove = event.target.closest("[data-remove]");
    if (!remove) return;
    remove.closest("li").remove();
    caps.querySelector("[data-add]").focus();
    write();
  });
  for (const control of [expires, unit]) {
    control.addEventListener("input", () => Peal.draft.set("limits.expires_after", expires.value.trim() ? durationOf(expires.value, unit.value) : null));
  }
  document.addEventListener("peal:restored", show);
})();
