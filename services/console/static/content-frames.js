// Fills a mail frame or a phone frame with what REST says that one person would get.
"use strict";
globalThis.Peal ??= {};

Peal.frames = (() => {
  const words = () => document.getElementById("frame-words").dataset;
  const ROOM = { "GSM-7": [160, 153], "UCS-2": [70, 67] };

  const money = (micros) => (micros / 1e6).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 4 });

  function fill(text, values) {
    return text.replace(/{(\w+)}/g, (_whole, name) => values[name] ?? "");
  }

  function told(shown) {
    const say = words();
    const parts = [];
    if (shown.segments) {
      const [one, many] = ROOM[shown.encoding];
      const room = shown.segments > 1 ? shown.segments * many : one;
      parts.push(shown.segments === 1 ? say.segment : fill(say.segments, { n: shown.segments }));
      parts.push(fill(say.units, { units: shown.units, room, kind: shown.encoding === "GSM-7" ? say.septets : say.wide }));
    }
    if (shown.cost_micros !== null) parts.push(fill(say.cost, { cost: money(shown.cost_micros), currency: shown.currency }));
    if (/<img\b[^>]*\bsrc\s*=\s*["']?https?:/i.test(shown.html)) parts.push(say.pictures);
    return parts.join(" · ");
  }

  /** What is wrong, each with a button that leads to the place where it was typed. */
  function problems(list, shown) {
    const items = shown.problems.map((problem) => {
      const item = document.createElement("li");
      const control = [...document.querySelectorAll("[name]")].find((each) => each.name === problem.field);
      if (!control || !problem.line) return Object.assign(item, { textContent: problem.message });
      const button = Object.assign(document.createElement("button"), { type: "button", className: "link-like", textContent: problem.message });
      button.addEventListener("click", () => goTo(control, problem.line, problem.column));
      item.append(button);
      return item;
    });
    if (shown.missing.length) {
      items.push(Object.assign(document.createElement("li"), { textContent: fill(words().missing, { names: shown.missing.join(", ") }) }));
    }
    list.replaceChildren(...items);
  }

  function goTo(control, line, column) {
    control.focus();
    const before = control.value.split("\n").slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = Math.min(before + column - 1, control.value.length);
    control.setSelectionRange?.(at, Math.min(at + 1, control.value.length));
  }

  function phone(frame, shown) {
    const set = (name, text) => {
      const place = frame.querySelector(`[data-bubble-${name}]`);
      place.textContent = text;
      place.hidden = !text;
    };
    frame.querySelector("[data-phone-from]").textContent = shown.sender;
    const text = shown.content_sid ? fill(words().template, { sid: shown.content_sid }) : shown.text;
    set("text", text || words().empty);
    frame.querySelector("[data-bubble]").classList.toggle("blank", !text);
    set("title", shown.title);
    set("link", shown.link && !shown.text.includes(shown.link) ? shown.link : "");
    const list = frame.querySelector("[data-bubble-variables]");
    list.hidden = !shown.content_sid;
    list.replaceChildren(...Object.entries(shown.variables).map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }));
      return pair;
    }));
    frame.querySelector("[data-told]").textContent = told(shown);
    problems(frame.querySelector("[data-frame-problems]"), shown);
  }

  /** `request`: the body of /content/preview, which the frame asks for by itself, as a document of its own. */
  function mail(frame, shown, request) {
    for (const [name, text] of [["from", shown.sender], ["to", shown.to], ["subject", shown.subject], ["preheader", shown.preheader]]) {
      frame.querySelector(`[data-mail-${name}]`).textContent = text;
    }
    frame.querySelector("[data-mail-text]").textContent = shown.text;
    frame.querySelector("[data-told]").textContent = told(shown);
    problems(frame.querySelector("[data-frame-problems]"), shown);
    if (!shown.problems.length && frame.dataset.html === shown.html) return;
    frame.dataset.html = shown.html;
    load(frame, request);
  }

  /** Into the frame that is not shown, and then it is: nothing flickers as one types. */
  function load(frame, request) {
    const [seen, next] = frame.querySelectorAll("iframe");
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: "/api/v1/content/mail", target: next.name, hidden: true });
    for (const [name, value] of [["csrf_token", CSRF], ["request", JSON.stringify(request)]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    next.onload = () => {
      next.onload = null;
      next.hidden = false;
      seen.hidden = true;
      next.after(seen);
    };
    document.body.append(form);
    form.submit();
    form.remove();
  }

  function show(frame, shown, request) {
    if (frame.matches("[data-mail]")) mail(frame, shown, request);
    else phone(frame, shown);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mail-width], [data-mail-form]");
    const frame = button?.closest("[data-mail]");
    if (!frame) return;
    for (const each of button.parentElement.children) each.setAttribute("aria-pressed", each === button);
    if (button.dataset.mailWidth) frame.dataset.width = button.dataset.mailWidth;
    else {
      frame.querySelector("[data-mail-body]").hidden = button.dataset.mailForm === "text";
      frame.querySelector("[data-mail-text]").hidden = button.dataset.mailForm !== "text";
    }
  });

  return { show, fill, money, words };
})();
