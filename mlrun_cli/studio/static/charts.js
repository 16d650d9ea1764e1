// Charts: each is drawn when it is first seen, and anew when what it draws has changed.
//
// `<div data-plot data-keep data-source="ADDRESS">` draws the figure that the address gives. Within `[data-board]` the
// runs that are drawn are added to the address: those that are selected, or else all that the page shows.
import { onContent } from "./content.js";

const UPLOT = "vendor/uPlot-1.6.32.min";
let loaded = null;

/** What draws, brought in by the first chart that is seen. */
function drawing() {
  loaded ??= Promise.all([import("./plot.js"), added("script", "src", `${UPLOT}.js`), added("link", "href", `${UPLOT}.css`)]);
  return loaded;
}

function added(tag, attribute, path) {
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
    for (const { target, isIntersecting } of entries) see(target, isIntersecting);
  },
  { rootMargin: "200px" },
);

async function see(element, isSeen) {
  if (!plots.has(element)) {
    if (!isSeen) return;
    plots.set(element, drawing().then(([{ Plot }]) => new Plot(element, () => runsFor(element))));
  }
  (await plots.get(element)).setSeen(isSeen);
}

async function again(element) {
  const plot = await plots.get(element);
  plot?.change();
}

// --- the runs that are drawn ----------------------------------------------------------------------------------------

function boardRuns(element) {
  return element.closest("[data-board]")?.querySelector("[data-chart-runs]") ?? null;
}

/** The runs that a plot draws, as the page describes them; null where its address names them. */
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
  for (const element of board.querySelectorAll("[data-plot]")) again(element);
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
  element.style.minHeight = `${element.dataset.height}px`; // until it is drawn, so that those below stay unseen
  element.addEventListener("update", () => again(element));
  element.addEventListener("news", async () => (await plots.get(element))?.take());
  sight.observe(element);
});

// --- forms that say how charts are drawn ----------------------------------------------------------------------------

// The menu of a form that is refused stays open, with what was typed in it.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig.elt;
  if (!form.matches(".chart-form")) return;
  const problem = form.querySelector("[role=alert]");
  problem.hidden = detail.shouldSwap;
  if (!detail.shouldSwap) {
    const page = new DOMParser().parseFromString(detail.xhr.responseText, "text/html");
    problem.textContent = page.querySelector(".message p")?.textContent ?? `The studio cannot make this chart (${detail.xhr.status}).`;
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
