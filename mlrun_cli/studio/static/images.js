// Images: a click shows an image enlarged.
import { onContent } from "./content.js";

function show(link) {
  const dialog = document.createElement("dialog");
  dialog.className = "large-image";
  const small = link.querySelector("img");
  const large = document.createElement("img");
  large.src = link.href;
  large.alt = small.alt;
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.textContent = "Close";
  const name = document.createElement("span");
  name.className = "hint";
  name.textContent = ` ${small.alt}`;
  form.append(close, name);
  dialog.append(large, form);
  dialog.setAttribute("aria-label", small.alt);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

onContent("[data-image]", (link) => {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link);
  });
});
