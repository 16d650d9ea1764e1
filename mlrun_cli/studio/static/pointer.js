// Whether something is being pressed: a click is lost when its element is moved, and a selection when its text is
// replaced, before the pointer is let go.

const PATIENCE_MS = 5000; // a release that the browser never tells of, as after some menus of its own, must not hold news

let waiting = [];
let isPressed = false;
let timer = 0;

function release() {
  isPressed = false;
  clearTimeout(timer);
  const told = waiting;
  waiting = [];
  setTimeout(() => told.forEach((tell) => tell())); // the click comes after the release
}

function press() {
  isPressed = true;
  clearTimeout(timer);
  timer = setTimeout(release, PATIENCE_MS);
}

window.addEventListener("pointerdown", press, { capture: true });
for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, release, { capture: true });

/** At once, or when the pointer is let go. */
export async function pointerIsFree() {
  if (isPressed) await new Promise((tell) => waiting.push(tell));
}
