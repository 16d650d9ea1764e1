// The table of runs: which runs are selected, and the order of its columns.
//
// The selection stands in the page's address (`select`), which changes without reload; whoever draws the selected runs
// hears `selection` on the document, whose detail has their ids.
import { onContent } from "./content.js";

const PAGE = "[data-runs]";

function most() {
  return Number(document.querySelector(PAGE)?.dataset.runs);
}

function selected() {
  return new URLSearchParams(location.search).getAll("select").slice(0, most());
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
  show();
  document.dispatchEvent(new CustomEvent("selection", { detail: { runs: runIds } }));
}

function hidden(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
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
  const active = all.filter((box) => "active" in box.dataset).map((box) => box.value);
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
  page.addEventListener("htmx:afterSettle", show);
  show();
});
// What has been filtered by leaves its box, though the box has the focus.
document.addEventListener("htmx:beforeSwap", () => {
  const box = document.activeElement;
  if (!box?.matches(`${PAGE} .filters input`)) return;
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
onContent("[data-cancels]", (form) => {
  form.addEventListener("submit", () => {
    for (const before of form.querySelectorAll("input[name=run]")) before.remove();
    for (const runId of selected()) form.append(hidden("run", runId));
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
