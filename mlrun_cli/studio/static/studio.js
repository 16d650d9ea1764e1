// The entry point of all pages.
import { startKeyboard } from "./keyboard.js";
import { startLive } from "./live.js";
import { onContent, startContent } from "./content.js";
import { startTimes } from "./times.js";
import "./charts.js";
import "./form.js";
import "./images.js";
import "./date_inputs.js";
import "./log.js";
import "./parallel.js";
import "./search.js";
import "./table.js";

const COPIED_MS = 1500;

// Idiomorph moves elements by moveBefore where there is one, and Chromium 156 sometimes crashes when a page is left right
// after that. Without it they are inserted again, which loses nothing that these pages keep.
for (const kind of [Element, Document, DocumentFragment]) delete kind.prototype.moveBefore;

onContent("[data-copy]", (button) => {
  const said = button.textContent;
  let timer = 0;
  const show = (isCopied) => {
    button.textContent = isCopied ? "Copied" : said;
    button.toggleAttribute("data-copied", isCopied); // until then, updates skip it
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      window.prompt("Copy this:", button.dataset.copy);
      return;
    }
    show(true);
    clearTimeout(timer);
    timer = setTimeout(show, COPIED_MS, false);
  });
});

onContent("[data-retries]", () => setTimeout(() => location.reload(), 2000));

// A menu closes by a click elsewhere, or by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.asks[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

startTimes();
startKeyboard();
startContent();
startLive();
