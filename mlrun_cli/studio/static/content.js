// Scripts of elements: each runs once for every matching element, whenever it appears.

const starts = [];
const started = new WeakMap();

/** Run `start(element)` once for each matching element, now and when updates or htmx add it. */
export function onContent(selector, start) {
  starts.push([selector, start]);
}

function startIn(root) {
  for (const [selector, start] of starts) {
    const found = [...root.querySelectorAll(selector)];
    if (root instanceof Element && root.matches(selector)) found.push(root);
    for (const element of found) {
      const known = started.get(element) ?? new Set();
      if (known.has(start)) continue;
      known.add(start);
      started.set(element, known);
      start(element);
    }
  }
}

/** Whether two elements show the same time, which a script has already formatted in one of them. */
function isSameTime(before, after) {
  return before.dataset.ticks === after.dataset.ticks && before.dateTime === after.dateTime;
}

/** Start, after all calls of `onContent`. */
export function startContent() {
  // An element with `data-keep` keeps its content, gets the new attributes and the event `update`.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (before, after) => {
    if (!(before instanceof Element) || !(after instanceof Element)) return true;
    if (before.matches("details[open]") && after.matches("details")) after.setAttribute("open", "");
    if (before.matches("time, [data-ticks]") && isSameTime(before, after)) return false;
    if (before.matches("[data-copied]")) return false;
    if (before.matches("[data-row].current") && before.id === after.id) after.classList.add("current");
    if (before === document.activeElement && before.matches("input, textarea, select")) return false;
    if (!before.hasAttribute("data-keep") || !after.hasAttribute("data-keep")) return true;
    let isNew = false;
    for (const { name, value } of [...after.attributes]) {
      if (before.getAttribute(name) === value) continue;
      before.setAttribute(name, value);
      isNew = true;
    }
    if (isNew) before.dispatchEvent(new CustomEvent("update"));
    return false;
  };
  startIn(document);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node instanceof Element) startIn(node);
      if (change.type === "attributes") startIn(change.target);
    }
  }).observe(document.body, { childList: true, subtree: true });
}
