// Keys: `/` search, `j` `k` rows, `x` select, Enter open, `?` help.

function isTyping(target) {
  return target instanceof Element && target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

function listRows() {
  return [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row.offsetParent !== null);
}

function getCurrentRow() {
  return document.querySelector("[data-row].current");
}

function moveBy(step) {
  const all = listRows();
  if (all.length === 0) return;
  const before = all.indexOf(getCurrentRow());
  const next = before < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, before + step));
  getCurrentRow()?.classList.remove("current");
  all[next].classList.add("current");
  all[next].scrollIntoView({ block: "nearest" });
  all[next].querySelector("[data-open]")?.focus({ preventScroll: true });
}

const KEYS = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  "j": () => moveBy(1),
  "k": () => moveBy(-1),
  "x": () => getCurrentRow()?.querySelector("input[type=checkbox]")?.click(),
  "c": () => document.querySelector("[data-compare]")?.click(),
  "?": () => document.querySelector("#help").showModal(),
};
const AFTER_G = { e: "experiments", r: "runs" };

let lastKey = "";

function handleKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.asks[open]")) menu.open = false;
    if (isTyping(event.target)) event.target.blur();
    return;
  }
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const home = document.querySelector(".top a.workspace")?.getAttribute("href");
  if (lastKey === "g" && AFTER_G[event.key] && home) {
    location.assign(home.replace(/experiments$/, AFTER_G[event.key]));
    return;
  }
  lastKey = event.key;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** Handle keys. */
export function startKeyboard() {
  document.addEventListener("keydown", handleKey);
}
