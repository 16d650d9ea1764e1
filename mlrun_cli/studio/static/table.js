// The table of runs: its selection, and the order of its columns.
//
// The selection is part of the page's URL (`select`), which changes without reload; each change dispatches the event
// `selection` on the document with the ids of the runs.
import { onContent } from "./content.js";
import { refreshAllParts } from "./live.js";

const PAGE = "[data-runs]";

let newSelection = null; // the selection if it changed since the last request

function getSelectionLimit() {
  return Number(document.querySelector(PAGE)?.dataset.runs);
}

/** Return the selected runs that exist. */
function getSelection() {
  const gone = new Set(JSON.parse(document.querySelector("[data-gone]")?.dataset.gone ?? "[]"));
  const selection = new URLSearchParams(location.search).getAll("select").slice(0, getSelectionLimit());
  return selection.filter((runId) => !gone.has(runId));
}

function addSelection(query) {
  const parameters = new URLSearchParams(query);
  parameters.delete("select");
  for (const runId of getSelection()) parameters.append("select", runId);
  return parameters;
}

function setSelection(runIds) {
  const parameters = new URLSearchParams(location.search);
  parameters.delete("select");
  for (const runId of runIds) parameters.append("select", runId);
  history.replaceState(history.state, "", `?${parameters}`);
  newSelection = runIds;
  showSelection();
  document.dispatchEvent(new CustomEvent("selection", { detail: { runs: runIds } }));
}

function createHiddenInput(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}

/** Replace the runs that a form sends. */
function setRuns(form, runIds) {
  for (const before of form.querySelectorAll("input[name=run]")) before.remove();
  for (const runId of runIds) form.append(createHiddenInput("run", runId));
}

function listCheckboxes() {
  return [...document.querySelectorAll(`${PAGE} [data-select]`)];
}

function showSelection() {
  const selection = new Set(getSelection());
  const all = listCheckboxes();
  for (const box of all) box.checked = selection.has(box.value);
  const marked = all.filter((box) => box.checked).length;
  for (const head of document.querySelectorAll("[data-select-all]")) {
    head.checked = all.length > 0 && marked === all.length;
    head.indeterminate = marked > 0 && marked < all.length;
  }
  for (const counter of document.querySelectorAll("[data-selected-count]")) counter.textContent = selection.size;
  for (const note of document.querySelectorAll("[data-selection-full]")) note.hidden = selection.size < getSelectionLimit();
  for (const element of document.querySelectorAll("[data-for-selected]")) element.hidden = selection.size === 0;
  const active = all.filter((box) => box.closest("[data-active]")).map((box) => box.value);
  for (const element of document.querySelectorAll("[data-cancelable]")) {
    element.hidden = ![...active, ...element.dataset.cancelable.split(" ")].some((runId) => selection.has(runId));
  }
  // The URL that the form of a chart returns to.
  for (const field of document.querySelectorAll(`${PAGE} input[name=back]`)) {
    const [path, query] = field.value.split("?", 2);
    field.value = `${path}?${addSelection(query)}`;
  }
}

function handleChange(event) {
  const { target } = event;
  if (!(target instanceof HTMLInputElement)) return;
  const selection = new Set(getSelection());
  const changed = target.matches("[data-select-all]") ? listCheckboxes() : target.matches("[data-select]") ? [target] : [];
  if (changed.length === 0) return;
  for (const box of changed) {
    if (target.checked) selection.add(box.value);
    else selection.delete(box.value);
  }
  setSelection([...selection].slice(0, getSelectionLimit()));
}

// Links to other views of the page keep the selection, which may have changed since they were rendered.
function addSelectionToLink(event) {
  const link = event.target instanceof Element ? event.target.closest(`${PAGE} a[href^="?"]`) : null;
  if (!link) return;
  if (!link.matches("[data-clears]")) {
    link.href = `?${addSelection(link.search)}`;
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  setSelection([]);
}

function addSelectionToRequest(event) {
  const { target, detail } = event;
  if (detail.verb !== "get") return;
  if (target.matches("a")) {
    const [path, query] = detail.path.split("?", 2);
    detail.path = `${path}?${addSelection(query)}`;
  } else {
    detail.formData.delete("select");
    for (const runId of getSelection()) detail.formData.append("select", runId);
  }
}

// Disabled buttons keep the focus, so they are disabled by `aria-disabled`.
function ignoreDisabledButton(event) {
  if (event.target instanceof Element && event.target.closest("button[aria-disabled]")) event.preventDefault();
}

onContent(PAGE, (page) => {
  page.addEventListener("click", ignoreDisabledButton);
  page.addEventListener("change", handleChange);
  for (const kind of ["click", "auxclick", "contextmenu"]) page.addEventListener(kind, addSelectionToLink, { capture: true });
  page.addEventListener("htmx:configRequest", addSelectionToRequest);
  showSelection();
});
document.addEventListener("htmx:configRequest", () => {
  newSelection = null;
});
// A new page shows the selection of its request.
document.addEventListener("htmx:afterSettle", () => {
  if (!document.querySelector(PAGE)) return;
  if (newSelection) {
    setSelection(newSelection);
    refreshAllParts();
  } else {
    showSelection();
  }
});
// A submitted filter is cleared from its field even if it has the focus; later input stays.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const box = document.activeElement;
  if (!box?.matches(`${PAGE} .filters input`)) return;
  const { elt, formData } = detail.requestConfig;
  if (box.form !== elt || box.value !== formData.getAll(box.name).at(-1)) return;
  box.blur();
  document.addEventListener("htmx:afterSwap", () => box.focus(), { once: true });
});
// The focus stays in the menu of columns after a key hides a column with its button.
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
    const shown = new Set(listCheckboxes().map((box) => box.value)); // sent by their own checkboxes
    setRuns(form, getSelection().filter((runId) => !shown.has(runId)));
  });
});
onContent("[data-cancels]", (form) => {
  form.addEventListener("submit", () => {
    setRuns(form, getSelection());
    form.elements.query.value = location.search.slice(1);
  });
});

// Columns are reordered by dragging.
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
    form.append(createHiddenInput("columns", names.map((name) => name.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",")));
    form.requestSubmit();
  });
});
