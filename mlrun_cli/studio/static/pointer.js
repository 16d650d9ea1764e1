// The state of the pointer: updates wait for its release, since a click is lost when its element moves, and a selection
// when its text is replaced.

const PATIENCE_MS = 5000; // browsers miss some releases, as after their own menus

let waiting = [];
let isPressed = false;
let timer = 0;

function release() {
  isPressed = false;
  clearTimeout(timer);
  const resolved = waiting;
  waiting = [];
  setTimeout(() => resolved.forEach((resolve) => resolve())); // the click comes after the release
}

function press() {
  isPressed = true;
  clearTimeout(timer);
  timer = setTimeout(release, PATIENCE_MS);
}

window.addEventListener("pointerdown", press, { capture: true });
for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, release, { capture: true });

/** Resolve at once, or when the pointer is released. */
export async function waitForPointerRelease() {
  if (isPressed) await new Promise((resolve) => waiting.push(resolve));
}
