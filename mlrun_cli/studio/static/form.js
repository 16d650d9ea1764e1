// Forms whose responses replace the page without a history entry, so that going back needs no resubmission and keeps the
// input.
import { onContent } from "./content.js";

const FORM = "[data-typed]";

onContent(FORM, (form) => {
  const boxes = [...form.elements].filter((box) => box.matches("input:not([type=hidden]), select"));
  const typed = history.state?.typed ?? {};
  for (const box of boxes) if (box.name in typed) box.value = typed[box.name];
  form.addEventListener("change", () => {
    const now = Object.fromEntries(boxes.map((box) => [box.name, box.value]));
    history.replaceState({ ...history.state, typed: now }, "");
  });
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.requestConfig.elt.matches(FORM)) return;
  const { status, responseURL } = detail.xhr;
  detail.shouldSwap = false;
  if (status === 401) location.reload();
  else if (new URL(responseURL).pathname !== location.pathname) location.assign(responseURL);
  else detail.shouldSwap = true; // errors are shown, too
});

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.requestConfig.elt.matches(FORM)) document.querySelector("[data-answer]")?.scrollIntoView({ block: "nearest" });
});
