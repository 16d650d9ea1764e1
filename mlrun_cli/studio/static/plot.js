// A chart: its figure, its zoom and its messages.
import { xAxisValues, colours, draw, nearest, ranges, readSeries, stylesOf, yAxisValues } from "./drawing.js";
import { Legend, Tip } from "./legend.js";

const REFRESH_MS = 1000; // the minimum time between refreshes,
const COURTESY = 4; // and what is costly to fetch less often
const FONT = "11px system-ui, sans-serif";
// CSS pixels that a label below an axis may need beyond its end: half of the longest, of which a time's is a whole date;
// at the left there are those of the other axis too.
const BESIDE = { right: 32, left: 0 };
const BESIDE_TIME = { right: 52, left: 20 };
const ZOOM_STEP = 0.5;
const MOVE_STEP = 0.25;
// Functions by key that return the next range of the horizontal axis; null for all.
const WAYS = {
  "+": ([begin, end], width) => [begin + (width * ZOOM_STEP) / 2, end - (width * ZOOM_STEP) / 2],
  "-": ([begin, end], width) => [begin - width / 2, end + width / 2],
  "ArrowLeft": ([begin, end], width) => [begin - width * MOVE_STEP, end - width * MOVE_STEP],
  "ArrowRight": ([begin, end], width) => [begin + width * MOVE_STEP, end + width * MOVE_STEP],
  "0": () => null,
};

const plots = new Set();

function make(tag, name, parent) {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

async function fetchFigure(address, signal) {
  try {
    const answer = await fetch(address, { signal });
    return await answer.json();
  } catch {
    return { problem: "The numbers of this chart cannot be fetched at the moment." }; // the next event fetches them
  }
}

export class Plot {
  /** Draw into an element; `runs()` returns the runs to draw, or null where its URL names them. */
  constructor(element, runs) {
    this.element = element;
    this.runs = runs;
    this.zoom = null;
    this.series = [];
    this.isSeen = false;
    this.isStale = true;
    this.nextLoadAt = 0;
    this.box = make("div", "plot-box", element);
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "group");
    this.canvas = make("div", "plot-canvas", this.box);
    this.ways = make("div", "plot-ways", this.box);
    this.reset = this.button("Show all", "Show all", "0");
    this.out = this.button("−", "Zoom out", "-");
    this.button("+", "Zoom in", "+");
    this.tip = new Tip(this.box);
    this.says = make("p", "plot-says hint", element);
    this.legend = new Legend(element, () => this.redraw());
    this.box.addEventListener("keydown", (event) => this.handleKey(event));
    new ResizeObserver(() => this.resize()).observe(this.box);
    for (const other of plots) if (!other.element.isConnected) other.end();
    plots.add(this);
  }

  button(text, label, key) {
    const button = make("button", "quiet-button", this.ways);
    button.type = "button";
    button.textContent = text;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => this.go(key));
    return button;
  }

  get isZoomable() {
    return this.figure.kind !== "bars";
  }

  get height() {
    return Number(this.element.dataset.height);
  }

  setSeen(isSeen) {
    this.isSeen = isSeen;
    if (isSeen && this.isStale) this.load();
  }

  end() {
    this.request?.abort();
    this.uplot?.destroy();
    plots.delete(this);
  }

  /** Redraw after a change of the runs or the options. */
  update() {
    if (this.source !== this.element.dataset.source) this.zoom = null;
    this.isStale = true;
    if (this.isSeen) this.load();
  }

  /** Fetch the figure again, since it may have changed. */
  refresh() {
    this.isStale = true;
    if (!this.isSeen || this.timer || this.request) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (this.isSeen && this.isStale && !this.request) this.load();
    }, Math.max(0, this.nextLoadAt - performance.now()));
  }

  address(runs) {
    this.source = this.element.dataset.source;
    let address = this.source;
    if (runs) address += `&runs=${runs.map((run) => run.key).join(",")}`;
    if (Number(this.element.dataset.smoothing)) address += `&smooth=${this.element.dataset.smoothing}`;
    if (this.zoom) address += `&begin=${this.zoom[0]}&end=${this.zoom[1]}`;
    return address;
  }

  async load() {
    this.request?.abort();
    const request = (this.request = new AbortController());
    const runs = this.runs();
    const began = performance.now();
    this.isStale = false;
    const figure = await fetchFigure(this.address(runs), request.signal);
    if (this.request !== request) return; // another was asked for meanwhile
    this.request = null;
    this.nextLoadAt = began + Math.max(REFRESH_MS, COURTESY * (performance.now() - began));
    if (this.isStale) this.refresh();
    if (figure.problem) this.showMessage(figure.problem);
    else this.show(figure, runs);
  }

  showMessage(text) {
    if (this.says.textContent !== text) this.says.textContent = text;
  }

  show(figure, runs) {
    this.figure = figure;
    this.drawnRuns = runs;
    this.isLog = this.element.dataset.logarithmic === "yes";
    this.series = readSeries(figure, runs, this.isLog);
    this.hot = null;
    stylesOf(this.series);
    this.legend.show(this.series);
    this.describe();
    this.showButtons();
    const kind = JSON.stringify([figure.kind, figure.x, this.isLog]);
    if (kind !== this.kind || !this.uplot) this.build(kind);
    else this.redraw();
    this.element.style.minHeight = "";
    this.element.dataset.drawn = String(this.series.length);
    this.element.dataset.points = String(this.series.reduce((sum, { x }) => sum + x.length, 0));
  }

  describe() {
    const drawnRuns = new Set(this.series.map((series) => series.run)).size;
    const runs = this.drawnRuns;
    const logged = this.zoom ? "logged it in this range" : "logged it";
    if (runs && runs.length === 0) this.showMessage("There are no runs to draw.");
    else if (this.series.length === 0) this.showMessage(runs ? `None of these runs has ${logged}.` : "There is nothing to draw.");
    else if (this.series.every(({ y }) => y.every((value) => value === null))) this.showMessage(`None of it can be drawn${this.isLog ? " on a logarithmic axis" : ""}.`);
    else this.showMessage(runs && drawnRuns < runs.length ? `${drawnRuns} of ${runs.length} runs have ${logged}.` : this.figure.note);
    this.box.setAttribute("aria-label", `Chart of ${this.element.dataset.label}. Keys: + and - zoom, arrows move, 0 shows all.`);
    this.box.hidden = this.series.length === 0;
  }

  /** Show the buttons that have an effect. */
  showButtons() {
    this.ways.hidden = !this.isZoomable;
    if (!this.zoom && [this.reset, this.out].includes(document.activeElement)) this.box.focus();
    this.reset.hidden = !this.zoom;
    this.out.disabled = !this.zoom;
  }

  build(kind) {
    this.kind = kind;
    this.uplot?.destroy();
    this.uplot = null;
    if (this.series.length === 0 || this.box.clientWidth === 0) return;
    this.measure();
    const { ink, line } = colours();
    const axis = {
      stroke: ink,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1, size: 4 },
      font: FONT,
      labelFont: FONT,
      labelSize: 16,
      labelGap: 0,
    };
    const { x } = this.figure;
    const beside = x.kind === "time" ? BESIDE_TIME : BESIDE;
    this.uplot = new uPlot(
      {
        width: this.box.clientWidth,
        height: this.height,
        padding: [8, beside.right, 0, beside.left],
        legend: { show: false },
        cursor: { points: { show: false }, drag: { x: this.isZoomable, y: false, setScale: false } },
        scales: {
          x: { time: x.kind === "time", distr: x.isLog ? 3 : 1, range: () => this.ranges.x },
          y: { distr: this.isLog ? 3 : 1, range: () => this.ranges.y },
        },
        series: [{}, { paths: () => null, points: { show: false } }],
        axes: [
          { ...axis, label: x.label, size: 26, ...xAxisValues(x, this.series) },
          { ...axis, ...yAxisValues(this.isLog) },
        ],
        hooks: {
          draw: [(u) => draw(u, this)],
          setCursor: [(u) => this.point(u)],
          setSelect: [(u) => this.select(u)],
        },
      },
      this.corners(),
      this.canvas,
    );
    this.uplot.over.addEventListener("dblclick", () => this.zoomTo(null));
    this.uplot.over.addEventListener("click", () => this.open());
  }

  measure() {
    this.ranges = ranges(this);
    if (!this.zoom) this.whole = this.ranges.x;
  }

  corners() {
    return [this.ranges.x, this.ranges.y];
  }

  redraw() {
    if (!this.uplot) {
      this.rebuild();
      return;
    }
    this.measure();
    this.uplot.setData(this.corners());
  }

  rebuild() {
    if (this.kind) this.build(this.kind);
  }

  resize() {
    const width = this.box.clientWidth;
    if (!this.uplot) this.rebuild();
    else if (width && width !== this.uplot.width) this.uplot.setSize({ width, height: this.height });
  }

  point(u) {
    const hit = u.cursor.left < 0 ? null : nearest(u, this, u.cursor.left, u.cursor.top);
    if (hit?.series !== this.hot) {
      this.hot = hit?.series;
      u.redraw(false);
    }
    this.tip.show(u, hit, this.figure);
  }

  /** Open the run whose point or bar is clicked. */
  open() {
    if (this.figure.kind !== "lines" && this.hot?.owner) location.assign(this.hot.owner.address);
  }

  select(u) {
    const { left, width } = u.select;
    if (width < 3) return;
    const range = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoomTo(range);
  }

  /** Zoom to a range of the horizontal axis, whose numbers are fetched; null shows all. */
  zoomTo(range) {
    const [low, high] = this.whole;
    this.zoom = range && range[0] <= low && range[1] >= high ? null : range;
    this.load();
  }

  handleKey(event) {
    if (!this.uplot || !this.isZoomable || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.key in WAYS)) return;
    event.preventDefault();
    this.go(event.key);
  }

  go(key) {
    const range = this.zoom ?? this.whole;
    this.zoomTo(WAYS[key](range, range[1] - range[0]));
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const plot of plots) {
    stylesOf(plot.series);
    plot.legend.show(plot.series);
    plot.rebuild();
  }
});
