// The table of runs: which runs are selected, and the order of its columns.
//
// The selection stands in the page's address (`select`), which changes without reload; whoever draws the selected runs
// hears `selection` on the document, whose detail has their ids.
import { onContent } from "./content.js";
import { askAnew } from "./live.js";

const PAGE = "[data-runs]";

let chosenSince = null; // what has been selected since a page was asked for

function most() {
  return Number(document.querySelector(PAGE)?.dataset.runs);
}

/** Those of the address that are there. */
function selected() {
  const gone = new Set(JSON.parse(document.querySelector("[data-gone]")?.dataset.gone ?? "[]"));
  const chosen = new URLSearchParams(location.search).getAll("select").slice(0, most());
  return chosen.filter((runId) => !gone.has(runId));
}

function withSelection(query) {
  const parameters = new URLSearchParams(query);
  parameters.delete("select");
  for (const runId of selected()) parameters.append("select", runId);
  return parameters;
}

function choose(runIds) {
  const parameters = new URLSearchParams(location.search);
  parameters.delete("select");
  for (const runId of runIds) parameters.append("select", runId);
  history.replaceState(history.state, "", `?${parameters}`);
  chosenSince = runIds;
  show();
  document.dispatchEvent(new CustomEvent("selection", { detail: { runs: runIds } }));
}

function hidden(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}

/** Have a form send these runs. */
function setRuns(form, runIds) {
  for (const before of form.querySelectorAll("input[name=run]")) before.remove();
  for (const runId of runIds) form.append(hidden("run", runId));
}

function boxes() {
  return [...document.querySelectorAll(`${PAGE} [data-select]`)];
}

function show() {
  const chosen = new Set(selected());
  const all = boxes();
  for (const box of all) box.checked = chosen.has(box.value);
  const marked = all.filter((box) => box.checked).length;
  for (const head of document.querySelectorAll("[data-select-all]")) {
    head.checked = all.length > 0 && marked === all.length;
    head.indeterminate = marked > 0 && marked < all.length;
  }
  for (const counter of document.querySelectorAll("[data-selected-count]")) counter.textContent = chosen.size;
  for (const note of document.querySelectorAll("[data-selection-full]")) note.hidden = chosen.size < most();
  for (const element of document.querySelectorAll("[data-for-selected]")) element.hidden = chosen.size === 0;
  const active = all.filter((box) => box.closest("[data-active]")).map((box) => box.value);
  for (const element of document.querySelectorAll("[data-cancelable]")) {
    element.hidden = ![...active, ...element.dataset.cancelable.split(" ")].some((runId) => chosen.has(runId));
  }
  // Where the form of a chart leads back to.
  for (const field of document.querySelectorAll(`${PAGE} input[name=back]`)) {
    const [path, query] = field.value.split("?", 2);
    field.value = `${path}?${withSelection(query)}`;
  }
}

function toggled(event) {
  const { target } = event;
  if (!(target instanceof HTMLInputElement)) return;
  const chosen = new Set(selected());
  const changed = target.matches("[data-select-all]") ? boxes() : target.matches("[data-select]") ? [target] : [];
  if (changed.length === 0) return;
  for (const box of changed) {
    if (target.checked) chosen.add(box.value);
    else chosen.delete(box.value);
  }
  choose([...chosen].slice(0, most()));
}

// A link to another view of the page takes the selection along; it was written when the page was made.
function carry(event) {
  const link = event.target instanceof Element ? event.target.closest(`${PAGE} a[href^="?"]`) : null;
  if (!link) return;
  if (!link.matches("[data-clears]")) {
    link.href = `?${withSelection(link.search)}`;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  choose([]);
}

function carryByRequest(event) {
  const { target, detail } = event;
  if (detail.verb !== "get") return;
  if (target.matches("a")) {
    const [path, query] = detail.path.split("?", 2);
    detail.path = `${path}?${withSelection(query)}`;
  } else {
    detail.formData.delete("select");
    for (const runId of selected()) detail.formData.append("select", runId);
  }
}

// A button that has nothing to do at the moment can have the focus nevertheless.
function passOver(event) {
  if (event.target instanceof Element && event.target.closest("button[aria-disabled]")) event.preventDefault();
}

onContent(PAGE, (page) => {
  page.addEventListener("click", passOver);
  page.addEventListener("change", toggled);
  for (const kind of ["click", "auxclick", "contextmenu"]) page.addEventListener(kind, carry, { capture: true });
  page.addEventListener("htmx:configRequest", carryByRequest);
  show();
});
document.addEventListener("htmx:configRequest", () => {
  chosenSince = null;
});
// A page that has come is of the selection with which it was asked for.
document.addEventListener("htmx:afterSettle", () => {
  if (!document.querySelector(PAGE)) return;
  if (chosenSince) {
    choose(chosenSince);
    askAnew();
  } else {
    show();
  }
});
// What has been filtered by leaves its box, though the box has the focus; what has been typed since stays.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const box = document.activeElement;
  if (!box?.matches(`${PAGE} .filters input`)) return;
  const { elt, formData } = detail.requestConfig;
  if (box.form !== elt || box.value !== formData.getAll(box.name).at(-1)) return;
  box.blur();
  document.addEventListener("htmx:afterSwap", () => box.focus(), { once: true });
});
// Who hides a column by a key stays at the list of them, though the button that was pressed is gone.
document.addEventListener("htmx:beforeSwap", () => {
  const menu = document.activeElement?.closest(`${PAGE} details.asks[id]`);
  if (!menu) return;
  const after = () => document.activeElement === document.body && document.querySelector(`#${menu.id} summary`)?.focus();
  document.addEventListener("htmx:afterSwap", after, { once: true });
});
onContent("[data-saves]", (form) => {
  form.addEventListener("submit", () => {
    form.elements.query.value = location.search.slice(1);
  });
});
onContent("[data-compares]", (form) => {
  form.addEventListener("submit", () => {
    const shown = new Set(boxes().map((box) => box.value)); // which are sent by themselves
    setRuns(form, selected().filter((runId) => !shown.has(runId)));
  });
});
onContent("[data-cancels]", (form) => {
  form.addEventListener("submit", () => {
    setRuns(form, selected());
    form.elements.query.value = location.search.slice(1);
  });
});

// Columns are dragged into another place of the list.
onContent("[data-columns]", (form) => {
  let dragged = null;
  form.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-column]");
    event.dataTransfer.setData("text/plain", dragged.dataset.column);
  });
  form.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-column]");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    over.parentNode.insertBefore(dragged, event.clientY < box.top + box.height / 2 ? over : over.nextSibling);
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    dragged = null;
    const names = [...form.querySelectorAll("[data-column]")].map(({ dataset }) => dataset.column);
    for (const before of form.querySelectorAll("input[name=columns]")) before.remove();
    form.append(hidden("columns", names.map((name) => name.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",")));
    form.requestSubmit();
  });
});
