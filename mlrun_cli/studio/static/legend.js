// The legend of a plot, and the tooltip at the pointer.
import { formatX, formatNumber } from "./drawing.js";

const SVG = "http://www.w3.org/2000/svg";

function createSvg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Create a sample of a series' line or marker. */
function swatch({ kind, colour, dash }) {
  const width = kind === "lines" ? 22 : 8;
  const svg = createSvg("svg", { viewBox: `0 0 ${width} 8`, width, height: 8, "aria-hidden": "true" });
  if (kind === "lines") svg.append(createSvg("path", { d: "M0 4H22", stroke: colour, "stroke-width": 3, "stroke-dasharray": dash.join(" ") }));
  else svg.append(createSvg("rect", { width, height: 8, rx: kind === "points" ? 4 : 0, fill: colour }));
  return svg;
}

/** Return a key of a series that is unique in its plot. */
function keyOf({ run, name }) {
  return `${run} ${name}`;
}

function text(name, content) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = content;
  return element;
}

/** The legend below a plot, whose entries hide and show their series. */
export class Legend {
  constructor(parent, redraw) {
    this.list = document.createElement("ul");
    this.list.className = "legend";
    this.redraw = redraw;
    this.hidden = new Set(); // keys of the series that are hidden
    parent.append(this.list);
  }

  show(series) {
    this.series = series;
    this.hide();
    const written = JSON.stringify(series.map((one) => [keyOf(one), one.kind, one.label, one.gaps, one.colour, one.isHidden]));
    this.list.hidden = series.length < 2 && !series.some((one) => one.gaps);
    if (written === this.written) return;
    this.written = written;
    this.list.replaceChildren(...series.map((one) => this.entry(one)));
  }

  hide() {
    for (const one of this.series) one.isHidden = this.hidden.has(keyOf(one));
  }

  entry(series) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet-button";
    button.title = series.label;
    button.setAttribute("aria-pressed", String(!series.isHidden));
    button.append(swatch(series), text("legend-name", series.label));
    if (series.gaps) button.append(text("legend-gaps", `${series.gaps} not drawn`));
    button.addEventListener("click", () => this.toggle(keyOf(series), button));
    entry.append(button);
    return entry;
  }

  toggle(key, button) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    button.setAttribute("aria-pressed", String(!this.hidden.has(key)));
    this.hide();
    this.redraw();
  }
}

/** The tooltip and the marker of the point nearest to the pointer. */
export class Tip {
  constructor(parent) {
    this.mark = document.createElement("div");
    this.mark.className = "plot-mark";
    this.note = document.createElement("div");
    this.note.className = "plot-tip";
    parent.append(this.mark, this.note);
    this.mark.hidden = this.note.hidden = true;
  }

  show(u, hit, figure) {
    this.mark.hidden = this.note.hidden = !hit;
    if (!hit) return;
    const { series, place } = hit;
    const [left, top] = [u.over.offsetLeft + hit.left, u.over.offsetTop + hit.top];
    this.mark.style.left = `${left}px`;
    this.mark.style.top = `${top}px`;
    this.mark.style.borderColor = series.colour;
    const value = (series.smooth ? `${formatNumber(series.smooth[place])} smoothed, ` : "") + formatNumber(series.y[place]);
    this.note.replaceChildren(
      text("tip-name", series.label),
      text("tip-value", value),
      text("hint", `${figure.x.label} ${formatX(figure.x, series.x[place])}`),
    );
    const isLeft = hit.left > u.over.clientWidth / 2;
    this.note.style.left = isLeft ? "" : `${left + 12}px`;
    this.note.style.right = isLeft ? `${this.note.parentElement.clientWidth - left + 12}px` : "";
    this.note.style.top = `${Math.max(0, top - 20)}px`;
  }
}
