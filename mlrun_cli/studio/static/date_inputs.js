// Inputs for dates and times: typed and shown in the browser's time zone, and sent in UTC.
import { onContent } from "./content.js";

const BOX = "input[data-instant]"; // "since" begins with a day, "until" ends with it
const TYPED = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/;
const SENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/;

function toUtc(typed, kind) {
  const found = TYPED.exec(typed.trim());
  if (!found) return typed;
  const [year, month, day, ...time] = found.slice(1).map((part) => Number(part ?? 0));
  const isDay = found[4] === undefined;
  const moment = new Date(year, month - 1, day + (isDay && kind === "until" ? 1 : 0), ...time);
  const isReal = !Number.isNaN(moment.getTime()) && (isDay || moment.getDate() === day);
  return isReal ? `${moment.toISOString().slice(0, 19)}Z` : typed;
}

function toLocal(text, kind) {
  if (!SENT.test(text) || Number.isNaN(Date.parse(text))) return text;
  const moment = new Date(text);
  const two = (number) => String(number).padStart(2, "0");
  const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()];
  if (time.every((part) => part === 0)) {
    if (kind === "until") moment.setDate(moment.getDate() - 1);
    return day(moment);
  }
  return `${day(moment)}T${time.slice(0, time[2] ? 3 : 2).map(two).join(":")}`;
}

function showLocalTimes() {
  for (const box of document.querySelectorAll(BOX)) {
    if (box !== document.activeElement) box.value = toLocal(box.value, box.dataset.instant);
  }
}

onContent(BOX, showLocalTimes);
document.addEventListener("htmx:afterSettle", showLocalTimes);
document.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const box of detail.elt.querySelectorAll?.(BOX) ?? []) {
    if (detail.formData.has(box.name)) detail.formData.set(box.name, toUtc(detail.formData.get(box.name), box.dataset.instant));
  }
});
