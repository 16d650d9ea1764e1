// Times in the browser's time zone, and ages and durations that tick.

const AGES = [[365 * 86400, "y"], [30 * 86400, "mo"], [86400, "d"], [3600, "h"], [60, "min"]];

function formatAge(seconds) {
  for (const [size, unit] of AGES) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  return "just now";
}

/** Format a duration as `1:02:03`, or as `0.4 s` below ten seconds, as the server does. */
export function formatDuration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function updateTimes() {
  const now = Date.now();
  for (const element of document.querySelectorAll("[data-ticks]")) {
    setText(element, formatDuration(Math.max(0, (now - Date.parse(element.dataset.ticks)) / 1000)));
  }
  for (const element of document.querySelectorAll("time[data-ago]")) {
    setText(element, formatAge((now - Date.parse(element.dateTime)) / 1000));
    element.title = new Date(element.dateTime).toLocaleString();
  }
  for (const element of document.querySelectorAll("time[data-timestamp]")) {
    setText(element, new Date(element.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }));
  }
}

/** Update all times of the page every second. */
export function startTimes() {
  updateTimes();
  setInterval(updateTimes, 1000);
  document.addEventListener("htmx:afterSettle", updateTimes);
}
