// The person's page: a typed confirmation, and a second look where something shows a moment later.
"use strict";
const again = document.querySelector("[data-again-in]");
if (again) setTimeout(() => location.reload(), Number(again.dataset.againIn));

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-confirm]");
  if (form && event.target.id === "typed") form.querySelector("[data-confirmed]").disabled = event.target.value.trim() !== form.dataset.confirm;
});
// Enter in the field must not do what the button would not.
document.addEventListener("submit", (event) => {
  const confirmed = event.target.querySelector("[data-confirmed]");
  if (!confirmed?.disabled || event.submitter?.value === "no") return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("peal:sent", (event) => "again" in event.target.dataset && setTimeout(() => location.reload(), 1500));
