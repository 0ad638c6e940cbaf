// Draws the tables beside them: what a chart shows stands there in words and figures too.
"use strict";
const drawn = new Map();

function rowsOf(plot) {
  return [...document.querySelectorAll(`#${plot.dataset.of} tbody tr`)].map((row) => ({
    name: row.querySelector("th").textContent.trim(),
    values: row.dataset.values.split(" ").map(Number),
  }));
}

/** Colours as the style sheet has them, resolved for the theme. */
function coloursOf(plot) {
  return [...document.querySelectorAll(`#${plot.dataset.of} .dot`)].map((dot) => getComputedStyle(dot).backgroundColor);
}

function ring(rows, colours, ink) {
  const total = rows.reduce((sum, row) => sum + row.values[0], 0);
  const data = rows
    .map((row, at) => ({ name: row.name, value: row.values[0], itemStyle: { color: colours[at] } }))
    .filter((part) => part.value);
  // In the middle, once: how many there are in all.
  data[0].label = { show: true, position: "center", formatter: String(total), color: ink, fontSize: 22 };
  return {
    series: [{
      type: "pie", radius: ["62%", "88%"], label: { show: false }, padAngle: 1, minAngle: 3, cursor: "default",
      emphasis: { scale: false }, data,
    }],
  };
}

function stack(rows, colours, ink, line) {
  const series = ["delivered", "sent, not delivered so far"].map((name, at) => ({
    name, type: "bar", stack: "all", barMaxWidth: 22, cursor: "default", itemStyle: { color: colours[at] },
    emphasis: { disabled: true }, data: rows.map((row) => row.values[at]),
  }));
  return {
    grid: { left: 8, right: 24, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: "value", minInterval: 1, splitNumber: 4, axisLabel: { color: ink }, splitLine: { lineStyle: { color: line } } },
    yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name), axisLabel: { color: ink }, axisTick: { show: false }, axisLine: { lineStyle: { color: line } } },
    series,
  };
}

function draw(plot) {
  const rows = rowsOf(plot);
  plot.hidden = !rows.some((row) => row.values.some(Boolean));
  if (plot.hidden) return;
  const style = getComputedStyle(plot);
  const make = plot.dataset.plot === "ring" ? ring : stack;
  const option = { animation: false, ...make(rows, coloursOf(plot), style.color, style.borderTopColor) };
  const wanted = JSON.stringify(option);
  if (drawn.get(plot) === wanted) return;
  drawn.set(plot, wanted);
  // A tooltip of rich text: one of HTML would need inline styles, which the page's policy forbids.
  const tooltip = { renderMode: "richText", confine: true, trigger: plot.dataset.plot === "ring" ? "item" : "axis" };
  const chart = echarts.getInstanceByDom(plot) ?? echarts.init(plot, null, { renderer: "canvas" });
  chart.setOption({ ...option, tooltip }, true);
}

const plots = [...document.querySelectorAll("[data-plot]")];
const drawAll = () => plots.forEach(draw);
drawAll();
document.addEventListener("htmx:afterSwap", drawAll);
document.addEventListener("peal:theme", drawAll);
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => echarts.getInstanceByDom(entry.target)?.resize()));
plots.forEach((plot) => sizes.observe(plot));
