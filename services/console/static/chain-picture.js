// The picture of how the channels work together: who is messaged first, and who is next, after how long.
"use strict";
Peal.chainPicture = (() => {
  const NS = "http://www.w3.org/2000/svg";
  const [BOX_H, GAP, WIDTH, MOST_BOX_W] = [36, 58, 420, 130];

  function make(name, attributes, text) {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  /** `tiers`: [{channels: [name, ...], label}], those of a tier go out together; `label`: on the arrow that leads there. */
  function draw(svg, tiers) {
    const height = tiers.length * BOX_H + Math.max(0, tiers.length - 1) * GAP + 4;
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    svg.toggleAttribute("hidden", !tiers.length);
    const parts = [];
    tiers.forEach((tier, at) => {
      const top = at * (BOX_H + GAP) + 2;
      if (at) parts.push(...arrow(top - GAP, top, tier.label));
      const width = Math.min(MOST_BOX_W, (WIDTH - 12) / tier.channels.length - 8);
      const left = (WIDTH - tier.channels.length * (width + 8) + 8) / 2;
      tier.channels.forEach((name, number) => {
        const x = left + number * (width + 8);
        parts.push(make("rect", { class: "box", x, y: top, width, height: BOX_H, rx: 6 }));
        parts.push(make("text", { class: "box-text", x: x + width / 2, y: top + BOX_H / 2 + 5 }, name));
      });
    });
    svg.replaceChildren(...parts);
  }

  function arrow(from, to, label) {
    const x = WIDTH / 2;
    return [
      make("path", { class: "arrow", d: `M${x} ${from + 4} V${to - 10}` }),
      make("path", { class: "arrow-head", d: `M${x - 5} ${to - 11} h10 L${x} ${to - 3} z` }),
      make("text", { class: "arrow-text", x: x + 12, y: (from + to) / 2 + 3 }, label),
    ];
  }

  return { draw };
})();
