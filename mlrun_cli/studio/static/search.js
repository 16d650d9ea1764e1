// Searches that are submitted while typing, after a pause.
import { onContent } from "./content.js";

const PAUSE_MS = 300;

let following = null; // the form that was last submitted by typing, not by a key or click

onContent("[data-follows]", (box) => {
  let timer = 0;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!box.isConnected) return;
      box.form.requestSubmit();
      following = box.form;
    }, PAUSE_MS);
  });
  box.form.addEventListener("submit", () => {
    clearTimeout(timer);
    following = null;
  });
});

// Going back leaves the search, not its last letter.
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  if (detail.requestConfig.elt === following) detail.history.type = "replace";
});
