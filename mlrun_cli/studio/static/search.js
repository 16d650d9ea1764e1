// A search that follows what is typed, after a pause.
import { onContent } from "./content.js";

const PAUSE_MS = 300;

let following = null; // the form that was sent last because of what was typed, not by a press

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

// Who goes back leaves the search, not its last letter.
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  if (detail.requestConfig.elt === following) detail.history.type = "replace";
});
