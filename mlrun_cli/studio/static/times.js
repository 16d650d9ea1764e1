// Times in the reader's own zone, ages and durations that go on.

const AGES = [[365 * 86400, "y"], [30 * 86400, "mo"], [86400, "d"], [3600, "h"], [60, "min"]];

function age(seconds) {
  for (const [size, unit] of AGES) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  return "just now";
}

/** `1:02:03`, or `0.4 s` below ten seconds, as the server writes it. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll("[data-ticks]")) {
    write(element, duration(Math.max(0, (now - Date.parse(element.dataset.ticks)) / 1000)));
  }
  for (const element of document.querySelectorAll("time[data-ago]")) {
    write(element, age((now - Date.parse(element.dateTime)) / 1000));
    element.title = new Date(element.dateTime).toLocaleString();
  }
  for (const element of document.querySelectorAll("time[data-timestamp]")) {
    write(element, new Date(element.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }));
  }
}

/** Keep all times of the page right. */
export function startTimes() {
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
}
