// Parallel coordinates: a line per run, an axis per parameter and metric; brushing an axis selects lines.
import { onContent } from "./content.js";
import { formatNumber, stylesOf } from "./drawing.js";

const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const TOP = 34;
const BOTTOM = 20;
const SIDE = 60;
const LEAST_STEP = 110;
const DECADES = 2; // an axis of positive numbers that span more of them is logarithmic
const LEAST_LABEL = 14; // pixels between the labels of categories
const LEAST_BRUSH = 4;
const NAME = 18;

function make(parent, name, attributes, text) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

const plain = (axis) => axis.replace(/^metric:/, "");

/** Return the scale of an axis, in pixels from the top: of categories if any value is a text, else of numbers. */
function scaleOf(values) {
  const known = values.filter((value) => value !== null);
  if (known.some((value) => typeof value === "string")) return categoriesOf(known);
  const low = Math.min(...known);
  const high = Math.max(...known);
  const isLog = low > 0 && Math.log10(high / low) >= DECADES;
  const along = isLog ? Math.log10 : (value) => value;
  const span = along(high) - along(low) || 1;
  return { low, high, isLog, at: (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (along(value) - along(low)) / span) };
}

/** Return the scale of an axis whose categories are in alphabetical order from the top. */
function categoriesOf(known) {
  const names = [...new Set(known)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const step = (HEIGHT - TOP - BOTTOM) / Math.max(1, names.length - 1);
  return { names, step, at: (value) => TOP + step * names.indexOf(value) };
}

const textOf = (value) => (value === null ? "–" : typeof value === "string" ? value : formatNumber(value));
const shorten = (text) => (text.length > NAME ? `${text.slice(0, NAME - 1)}…` : text);

function pathOf(points) {
  let isDown = false;
  return points
    .map((point) => {
      const command = point === null ? "" : `${isDown ? "L" : "M"}${point}`;
      isDown = point !== null;
      return command;
    })
    .join(" ");
}

class Parallel {
  constructor(host) {
    this.host = host;
    this.brushes = new Map(); // by the name of an axis: from which pixel to which
    this.drawing = document.createElement("div");
    this.said = document.createElement("p");
    this.said.className = "hint";
    this.said.setAttribute("role", "status");
    host.replaceChildren(this.drawing, this.said);
    host.addEventListener("update", () => this.draw());
    new ResizeObserver(() => host.clientWidth === this.width || this.draw()).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  draw() {
    this.sweep = JSON.parse(this.host.dataset.parallel);
    const { axes, lines } = this.sweep;
    this.width = this.host.clientWidth;
    const width = Math.max(this.width, axes.length * LEAST_STEP);
    const step = axes.length > 1 ? (width - 2 * SIDE) / (axes.length - 1) : 0;
    this.scales = axes.map((_, place) => scaleOf(lines.map((line) => line.values[place])));
    for (const axis of this.brushes.keys()) if (!axes.includes(axis)) this.brushes.delete(axis);
    const svg = document.createElementNS(SPACE, "svg");
    svg.setAttribute("width", width);
    svg.setAttribute("height", HEIGHT);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${lines.length} runs between the axes ${axes.map(plain).join(", ")}`);
    const styles = lines.map(({ key }) => ({ run: key, name: "" }));
    stylesOf(styles); // as the charts have them
    this.paths = lines.map((line, number) => this.line(svg, line, styles[number], (place) => SIDE + place * step));
    axes.forEach((axis, place) => this.axis(svg, axis, place, SIDE + place * step));
    this.drawing.replaceChildren(svg);
    this.select();
  }

  line(svg, line, style, left) {
    const points = line.values.map((value, place) => (value === null ? null : `${left(place)},${this.scales[place].at(value)}`));
    const path = make(svg, "path", { class: "line", d: pathOf(points) });
    path.style.stroke = style.colour;
    path.style.strokeDasharray = style.dash.join(" ");
    const values = line.values.map((value, place) => `${plain(this.sweep.axes[place])} ${textOf(value)}`);
    make(path, "title", {}, `${line.name}: ${values.join(", ")}`);
    return path;
  }

  axis(svg, axis, place, x) {
    const scale = this.scales[place];
    const name = plain(axis);
    make(svg, "line", { class: "axis", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM });
    make(svg, "text", { x, y: 12, "text-anchor": "middle" }, `${shorten(name)}${scale.isLog ? " (log)" : ""}`);
    if (scale.names) this.categories(svg, scale, x);
    else {
      make(svg, "text", { x, y: TOP - 6, "text-anchor": "middle" }, formatNumber(scale.high));
      make(svg, "text", { x, y: HEIGHT - 6, "text-anchor": "middle" }, formatNumber(scale.low));
    }
    this.brush(svg, axis, x);
  }

  /** Label the categories of an axis, as many as there is room for. */
  categories(svg, { names, step, at }, x) {
    const every = Math.ceil(LEAST_LABEL / step);
    names.forEach((name, number) => {
      if (number % every === 0) make(svg, "text", { x: x + 6, y: at(name) + 4 }, shorten(name));
    });
  }

  brush(svg, axis, x) {
    const shown = make(svg, "rect", { class: "brush", x: x - 8, width: 16 });
    const area = make(svg, "rect", { class: "catch", x: x - 14, width: 28, y: TOP, height: HEIGHT - TOP - BOTTOM });
    const show = () => {
      const [low, high] = this.brushes.get(axis) ?? [0, 0];
      shown.setAttribute("y", low);
      shown.setAttribute("height", high - low);
    };
    let from = null;
    const drag = (event) => {
      if (from === null) return;
      const to = Math.min(HEIGHT - BOTTOM, Math.max(TOP, event.clientY - svg.getBoundingClientRect().top));
      if (event.type === "pointerdown") from = to;
      const range = [Math.min(from, to), Math.max(from, to)];
      if (range[1] - range[0] < LEAST_BRUSH) this.brushes.delete(axis);
      else this.brushes.set(axis, range);
      show();
      this.select();
    };
    area.addEventListener("pointerdown", (event) => {
      from = 0;
      drag(event);
      area.setPointerCapture(event.pointerId);
    });
    area.addEventListener("pointermove", drag);
    area.addEventListener("pointerup", () => (from = null));
    show();
  }

  /** Fade the lines outside the brushes, and show how many are selected. */
  select() {
    const { axes, lines } = this.sweep;
    const chosen = lines.filter((line, number) => {
      const isIn = axes.every((axis, place) => {
        const range = this.brushes.get(axis);
        if (!range) return true;
        const value = line.values[place];
        return value !== null && this.scales[place].at(value) >= range[0] && this.scales[place].at(value) <= range[1];
      });
      this.paths[number].classList.toggle("off", !isIn);
      return isIn;
    });
    this.say(chosen);
  }

  say(chosen) {
    if (!this.brushes.size) {
      this.said.textContent = "Drag along an axis to select runs.";
      return;
    }
    this.said.textContent = `${chosen.length} of ${this.sweep.lines.length} runs. `;
    if (!chosen.length) return;
    const address = new URL(location.href);
    address.searchParams.delete("run");
    address.searchParams.delete("page");
    for (const line of chosen) address.searchParams.append("run", line.id);
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "Compare these alone";
    this.said.append(link);
  }
}

onContent("[data-parallel]", (host) => new Parallel(host));
