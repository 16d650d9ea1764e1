// Drawing of a figure's series: colours, dashes, lines, points and bars.
import { formatDuration } from "./times.js";

const COLOURS = 10;
const [LOWEST, HIGHEST] = [250, 10]; // hues of the lowest and the highest number of a parameter
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];
const RADIUS = 4;
const REACH = 40; // CSS pixels from the pointer to what it points at
const QUIET = 0.25;
const SIGN = 6.2; // CSS pixels of a sign on an axis
const LEAST_LABEL = 40; // CSS pixels from a name below a bar to the next
const BAR_SHARE = 0.75;
const MARGIN = 0.05;
const ONE_TWO_FIVE = (least, most) => {
  const places = [];
  for (let power = least; power <= most; power++) for (const number of [1, 2, 5]) places.push(Number(`${number}e${power}`));
  return places;
};
const WHOLE = ONE_TWO_FIVE(0, 15); // how far apart the marks of an axis may be
const SECONDS = [...ONE_TWO_FIVE(-6, 0), 10, 15, 30, ...[1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440].map((minutes) => 60 * minutes), ...ONE_TWO_FIVE(0, 5).map((days) => 86400 * days)];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colours of axes. */
export function colours() {
  return { ink: colour("--quiet"), line: colour("--line") };
}

/** Return the series of a figure with their runs. */
export function readSeries(figure, runs, isLog) {
  const byKey = new Map((runs ?? []).map((run) => [run.key, run]));
  return figure.series.map((series) => {
    const shown = isLog ? logarithmic(series) : series;
    return { ...shown, kind: figure.kind, owner: byKey.get(series.run) ?? null };
  });
}

/** Replace values that a logarithmic axis cannot show by gaps. */
function logarithmic(series) {
  const y = series.y.map((value) => (value > 0 ? value : null));
  const smooth = series.smooth?.map((value, place) => (value > 0 && y[place] !== null ? value : null));
  return { ...series, y, smooth, gaps: [series.gaps, series.below].filter(Boolean).join(", ") };
}

// --- colours --------------------------------------------------------------------------------------------------------

/** Return the colour and dashes of each series; a run keeps its own beside other runs, as far as there are enough. */
export function stylesOf(series) {
  const keys = [...new Set(series.map(({ run }) => run))].sort((a, b) => a - b);
  const names = [...new Set(series.map(({ name }) => name))];
  const byName = keys.length < 2;
  const places = byName ? new Map(names.map((name, place) => [name, [place % COLOURS, Math.floor(place / COLOURS)]])) : placesOf(keys);
  for (const one of series) {
    const [number, turn] = places.get(byName ? one.name : one.run);
    one.colour = colour(`--series-${number + 1}`);
    one.dash = DASHES[(byName || names.length < 2 ? turn : names.indexOf(one.name)) % DASHES.length];
    one.label = labelOf(one, byName, names.length);
    if (one.tag) tint(one, byName);
  }
}

/** Colour a series by the parameter of its run. */
function tint(one, byName) {
  if (one.tint !== undefined) one.colour = `hsl(${LOWEST + (HIGHEST - LOWEST) * one.tint} 75% ${colour("--tint-lightness")})`;
  else one.colour = colour(`--series-${(one.group % COLOURS) + 1}`);
  if (!byName) one.dash = one.tint === undefined ? DASHES[Math.floor(one.group / COLOURS) % DASHES.length] : [];
  one.label = `${one.label}, ${one.tag}`;
}

function placesOf(keys) {
  const used = Array(COLOURS).fill(0);
  const places = new Map();
  for (const key of keys) {
    let number = key % COLOURS;
    const least = Math.min(...used);
    while (used[number] > least) number = (number + 1) % COLOURS;
    places.set(key, [number, used[number]++]);
  }
  return places;
}

function labelOf(one, byName, names) {
  if (!one.owner) return one.name;
  if (names < 2) return one.owner.name;
  return byName ? one.name : `${one.owner.name}, ${one.name}`;
}

// --- axes -----------------------------------------------------------------------------------------------------------

/** The ranges of both axes. */
export function ranges({ figure, series, zoom, isLog }) {
  const shown = series.filter((one) => !one.isHidden);
  const x = positive(figure, zoom ?? xRange(figure, shown));
  let [low, high] = [Infinity, -Infinity];
  for (const one of shown) {
    for (const value of one.smooth ? [...one.y, ...one.smooth] : one.y) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) [low, high] = isLog ? [1, 10] : [0, 1];
  if (isLog) return { x, y: [low / 1.3, high * 1.3] };
  const isFlush = figure.kind === "bars";
  if (isFlush) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (isFlush && low === high) return { x, y: [0, 1] };
  const margin = (high - low) * MARGIN || Math.abs(high) * 0.1 || 1;
  return { x, y: [isFlush && low === 0 ? 0 : low - margin, isFlush && high === 0 ? 0 : high + margin] };
}

/** Return a range that a logarithmic axis can show. */
function positive({ x }, [low, high]) {
  return x.isLog && low <= 0 ? [high / 1e6, high] : [low, high];
}

function xRange(figure, series) {
  if (figure.kind === "bars") return [-0.5, Math.max(0, ...series.map((one) => Math.max(...one.x))) + 0.5];
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of series) {
    for (const value of x) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  if (figure.x.isLog) return low === high ? [low / 2, high * 2] : [low / (high / low) ** MARGIN, high * (high / low) ** MARGIN];
  const margin = figure.x.kind === "names" ? 0.5 : figure.kind === "points" ? (high - low) * MARGIN : 0;
  if (low === high) {
    const margin = figure.x.kind === "time" ? 1 : Math.abs(low) * 0.05 || 0.5;
    return [low - margin, high + margin];
  }
  return [low - margin, high + margin];
}

/** Format the ticks of an axis with enough digits to tell them apart. */
function ticks(_, places, axis, space, step) {
  let digits = 0;
  while (digits <= 6 && Math.abs(Math.round(step * 10 ** digits) / 10 ** digits - step) > step / 100) digits++;
  return places.map((place) => {
    if (place === null) return "";
    const isPlain = step > 0 && digits <= 6 && Math.abs(place) < 1e6;
    return isPlain ? (Math.abs(place) < step / 2 ? 0 : place).toFixed(digits) : markText(place);
  });
}

/** Format a number of a tick, large ones with an exponent. */
function markText(value) {
  return Math.abs(value) >= 1e6 ? Number(value.toPrecision(6)).toExponential() : formatNumber(value);
}

/** Shorten a text in its middle to `most` columns; wide characters and emoji take two. */
function shorten(text, most) {
  const widthOf = (signs) => signs.reduce((sum, sign) => sum + (sign.codePointAt(0) < 0x2e80 ? 1 : 2), 0);
  const signs = [...text];
  if (widthOf(signs) <= most) return text;
  const [begin, end] = [signs.slice(0, most), signs.slice(-most)];
  while (widthOf(begin) > (most - 1) / 2) begin.pop();
  while (widthOf(begin) + 1 + widthOf(end) > most) end.shift();
  return `${begin.join("")}…${end.join("")}`;
}

/** Return uPlot's options for the labels of the horizontal axis. */
export function xAxisValues({ kind, names, isLog }, series) {
  if (isLog) return { values: (_, places) => places.map((place) => (place === null ? "" : markText(place))) };
  if (kind === "time") return { label: null, size: 42 }; // dates say what they are, on two lines
  if (kind === "duration") return { incrs: SECONDS, values: (_, places) => places.map(formatSpan) };
  if (kind === "number") return series.every(({ x }) => x.every(Number.isInteger)) ? { incrs: WHOLE, values: ticks } : { values: ticks };
  const width = (u) => u.bbox.width / devicePixelRatio / (u.scales.x.max - u.scales.x.min);
  const every = (u) => Math.max(1, Math.ceil(LEAST_LABEL / width(u)));
  const room = (u) => Math.max(5, Math.floor((every(u) * width(u)) / SIGN) - 1);
  return {
    splits: (u) => names.map((_, place) => place).filter((place) => place % every(u) === 0),
    values: (u, places) => places.map((place) => shorten(names[place] ?? "", room(u))),
    grid: { show: false },
  };
}

/** Return uPlot's options for the labels of the vertical axis. */
export function yAxisValues(isLog) {
  const plain = (_, places) => places.map((place) => (place === null ? "" : markText(place)));
  const longest = (texts) => Math.max(3, ...(texts ?? []).map((text) => text.length));
  return { values: isLog ? plain : ticks, size: (_, texts) => 14 + SIGN * longest(texts) };
}

function formatSpan(seconds) {
  return seconds < 60 ? `${formatNumber(seconds)} s` : formatDuration(seconds);
}

/** Format a position on the horizontal axis. */
export function formatX({ kind, names }, value) {
  if (kind === "names") return names[value] ?? "";
  if (kind === "time") return new Date(value * 1000).toLocaleString();
  return kind === "duration" ? formatSpan(value) : formatNumber(value);
}

/** Format a number as tables do. */
export function formatNumber(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const short = Number(value.toPrecision(6));
  const size = Math.abs(short);
  return short && (size < 1e-4 || size >= 1e6) ? short.toExponential().replace(/\d+$/, (power) => power.padStart(2, "0")) : String(short);
}

// --- drawing --------------------------------------------------------------------------------------------------------

/** Draw all series of a plot onto uPlot's canvas. */
export function draw(u, plot) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const how = { lines: drawLine, points: drawPoints, bars: drawBars }[plot.figure.kind];
  for (const one of plot.series) {
    if (one.isHidden || one === plot.hot) continue;
    ctx.globalAlpha = plot.hot ? QUIET : 1;
    how(u, one, plot);
  }
  if (plot.hot && !plot.hot.isHidden) {
    ctx.globalAlpha = 1;
    how(u, plot.hot, plot);
  }
  ctx.restore();
}

function drawLine(u, one, plot) {
  const { ctx } = u;
  ctx.strokeStyle = ctx.fillStyle = one.colour;
  ctx.lineWidth = (one === plot.hot ? 2.5 : 1.5) * devicePixelRatio;
  ctx.lineJoin = "round";
  if (one.smooth) {
    const alpha = ctx.globalAlpha;
    ctx.setLineDash([]);
    ctx.globalAlpha = alpha * QUIET;
    strokeThrough(u, one.x, one.y);
    ctx.globalAlpha = alpha;
  }
  ctx.setLineDash(one.dash.map((length) => length * devicePixelRatio));
  strokeThrough(u, one.x, one.smooth ?? one.y);
  ctx.setLineDash([]);
}

function strokeThrough(u, xs, ys) {
  const { ctx } = u;
  const line = new Path2D();
  const dots = new Path2D();
  const radius = 2 * devicePixelRatio;
  let isDown = false;
  const isGap = (place) => place < 0 || place >= ys.length || ys[place] === null;
  for (let place = 0; place < xs.length; place++) {
    if (isGap(place)) {
      isDown = false;
      continue;
    }
    const [x, y] = [u.valToPos(xs[place], "x", true), u.valToPos(ys[place], "y", true)];
    if (isDown) line.lineTo(x, y);
    else line.moveTo(x, y);
    if (!isDown && isGap(place + 1)) {
      dots.moveTo(x + radius, y);
      dots.arc(x, y, radius, 0, 2 * Math.PI);
    }
    isDown = true;
  }
  ctx.stroke(line);
  ctx.fill(dots);
}

function drawPoints(u, one, plot) {
  const { ctx } = u;
  ctx.fillStyle = one.colour;
  const radius = (one === plot.hot ? RADIUS + 2 : RADIUS) * devicePixelRatio;
  one.x.forEach((x, place) => {
    const y = one.y[place];
    if (y === null) return;
    ctx.beginPath();
    ctx.arc(u.valToPos(x, "x", true), u.valToPos(y, "y", true), radius, 0, 2 * Math.PI);
    ctx.fill();
  });
}

function drawBars(u, one, plot) {
  const { ctx, bbox } = u;
  ctx.fillStyle = one.colour;
  const width = Math.max(1, (u.valToPos(1, "x", true) - u.valToPos(0, "x", true)) * BAR_SHARE);
  const ground = plot.isLog ? bbox.top + bbox.height : u.valToPos(0, "y", true);
  one.x.forEach((x, place) => {
    const y = one.y[place];
    if (y === null) return;
    const height = Math.max(devicePixelRatio, Math.abs(ground - u.valToPos(y, "y", true)));
    ctx.fillRect(u.valToPos(x, "x", true) - width / 2, y < 0 ? ground : ground - height, width, height);
  });
}

// --- pointing -------------------------------------------------------------------------------------------------------

/** Find the point nearest to a position in CSS pixels: `{series, place, left, top}`, or null when none is near. */
export function nearest(u, plot, left, top) {
  const { kind } = plot.figure;
  const at = u.posToVal(left, "x");
  let best = null;
  let least = REACH;
  for (const series of plot.series) {
    if (series.isHidden) continue;
    const ys = series.smooth ?? series.y;
    const places = kind === "lines" ? findNeighbours(series.x, at) : series.x.keys();
    for (const place of places) {
      const y = ys[place];
      if (y === null || y === undefined) continue;
      const [x, up] = [u.valToPos(series.x[place], "x"), u.valToPos(y, "y")];
      const away = kind === "bars" ? Math.abs(x - left) : Math.hypot(x - left, up - top);
      if (away < least) [least, best] = [away, { series, place, left: x, top: up }];
    }
  }
  return best;
}

/** Return the indexes beside a number in a sorted list. */
function findNeighbours(numbers, at) {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < at) low = middle + 1;
    else high = middle;
  }
  return [low - 1, low].filter((place) => place >= 0 && place < numbers.length);
}
