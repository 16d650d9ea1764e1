// Charts: each is drawn when it becomes visible, and redrawn when its data changes.
//
// `<div data-plot data-keep data-source="URL">` draws the figure of the URL. Within `[data-board]` the selected runs, or
// else all of the page, are added to the URL.
import { onContent } from "./content.js";

const UPLOT = "vendor/uPlot-1.6.32.min";
let loaded = null;

/** Load the plotting code, with the first visible chart. */
function loadPlot() {
  loaded ??= Promise.all([import("./plot.js"), loadElement("script", "src", `${UPLOT}.js`), loadElement("link", "href", `${UPLOT}.css`)]);
  return loaded;
}

function loadElement(tag, attribute, path) {
  return new Promise((resolve, reject) => {
    const element = document.createElement(tag);
    if (tag === "link") element.rel = "stylesheet";
    element.onload = resolve;
    element.onerror = reject;
    element[attribute] = new URL(path, import.meta.url).href;
    document.head.append(element);
  });
}

const plots = new WeakMap();
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) setVisible(target, isIntersecting);
  },
  { rootMargin: "200px" },
);

async function setVisible(element, isSeen) {
  if (!plots.has(element)) {
    if (!isSeen) return;
    plots.set(element, loadPlot().then(([{ Plot }]) => new Plot(element, () => runsFor(element))));
  }
  (await plots.get(element)).setSeen(isSeen);
}

async function redraw(element) {
  const plot = await plots.get(element);
  plot?.update();
}

// --- the runs that are drawn ----------------------------------------------------------------------------------------

function boardRuns(element) {
  return element.closest("[data-board]")?.querySelector("[data-chart-runs]") ?? null;
}

/** Return the runs that a plot draws; null where its URL names them. */
function runsFor(element) {
  const board = boardRuns(element);
  if (!board) return null;
  const all = JSON.parse(board.dataset.chartRuns);
  const selected = new Set(JSON.parse(board.dataset.selected));
  return (selected.size ? all.filter((run) => selected.has(run.id)) : all).slice(0, Number(board.dataset.most));
}

function drawBoard(board) {
  const shown = new Set(runsFor(board).map((run) => String(run.key)));
  for (const row of board.querySelectorAll("tr[data-run]")) row.hidden = !shown.has(row.dataset.run);
  for (const element of board.querySelectorAll("[data-plot]")) redraw(element);
}

document.addEventListener("selection", (event) => {
  for (const board of document.querySelectorAll("[data-board]")) {
    boardRuns(board).dataset.selected = JSON.stringify(event.detail.runs);
    drawBoard(board);
  }
});

onContent("[data-chart-runs]", (runs) => {
  runs.addEventListener("update", () => drawBoard(runs.closest("[data-board]")));
});

onContent("[data-plot]", (element) => {
  element.textContent = "";
  element.style.minHeight = `${element.dataset.height}px`; // until it is drawn, so that charts below stay invisible
  element.addEventListener("update", () => redraw(element));
  element.addEventListener("topicchange", async () => (await plots.get(element))?.refresh());
  sight.observe(element);
});

// --- forms that say how charts are drawn ----------------------------------------------------------------------------

// The menu of a rejected form stays open with its input.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig.elt;
  if (!form.matches(".chart-form")) return;
  const problem = form.querySelector("[role=alert]");
  problem.hidden = detail.shouldSwap;
  if (!detail.shouldSwap) {
    const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
    problem.textContent = page.querySelector(".message p")?.textContent ?? `The studio cannot draw this chart (${detail.xhr.status}).`;
    return;
  }
  const menu = form.closest("details");
  if (form.contains(document.activeElement)) menu.querySelector("summary").focus();
  menu.open = false;
  form.reset();
});
// Who changes or removes a chart by a key stays at its place, though the chart is gone.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const figure = document.activeElement?.closest("#chart-grid > figure");
  if (!detail.shouldSwap || !figure) return;
  const place = [...figure.parentNode.children].indexOf(figure);
  const after = () => {
    if (document.activeElement !== document.body) return;
    const next = document.querySelector("#chart-grid")?.children[place] ?? document.querySelector("#chart-add");
    next?.querySelector("summary").focus();
  };
  document.addEventListener("htmx:afterSwap", after, { once: true });
});

onContent("form[data-submits]", (form) => {
  form.addEventListener("change", ({ target }) => {
    if (!target.matches("[type=search]")) form.requestSubmit(); // that one is submitted by its key
  });
});
