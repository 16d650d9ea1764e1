"""Drawings of figures as SVG shapes, for pages without scripts."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.studio.charts.figure import BARS, LINES, Figure
from mlrun_cli.studio.formatting import format_number

WIDTH, HEIGHT = 560, 240
LEFT, RIGHT, TOP, BOTTOM = 72, 12, 10, 38
_TICKS_ACROSS, _TICKS_UPWARDS = 6, 5
_FACTORS = (1.0, 2.0, 5.0, 10.0)
_COLOURS, _DASHES = 10, 4
_MAX_ENTRIES = 40
_BAR_WIDTH = 0.8
_MAX_NAMED_BARS = 8
_LABEL_CHARACTERS = 52


class Tick(NamedTuple):
    """A tick of an axis, with its offset in pixels from the left or the top, and its label."""

    at: float
    text: str


class SeriesShapes(NamedTuple):
    """The shapes of a series in pixels: a path, dots as `(x, y)` and bars as `(x, y, width, height)`."""

    label: str
    classes: str
    path: str
    dots: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float, float, float]]


class Drawing(NamedTuple):
    """The shapes of a figure.

    Attributes:
        legend: the label, CSS classes and gaps of each series in the legend.
        unnamed: the number of further series, which are not in the legend.
        note: the note of the figure.
    """

    kind: str
    marks: Sequence[SeriesShapes]
    x_label: str
    x_ticks: Sequence[Tick]
    y_label: str
    y_ticks: Sequence[Tick]
    legend: Sequence[tuple[str, str, str]]
    unnamed: int
    note: str


class _Scale(NamedTuple):
    """A linear scale that maps numbers from `low` to `high` to pixels from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float

    def convert(self, value: float) -> float:
        """Convert a number to its position in pixels."""
        # Halved, since the range between the largest numbers would overflow.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(self.begin + share * (self.end - self.begin), 1)

    def build_ticks(self, limit: int) -> Sequence[Tick]:
        """Return up to `limit` + 1 ticks at round numbers."""
        numbers = _iterate_round_numbers(self.low, self.high, limit)
        return [Tick(self.convert(value), format_number(value)) for value in numbers]


def draw_figure(figure: Figure, run_names: Mapping[int, str]) -> Drawing | None:
    """Draw a figure, or return None if it has no drawable values.

    Args:
        figure: a figure, as described in `charts/figure.py`.
        run_names: the names of runs, keyed by run key, in the order of their colours.
    """
    series: Sequence[Mapping[str, Any]] = [each for each in figure["series"] if any(y is not None for y in each["y"])]
    if not series:
        return None
    kind, is_bars = figure["kind"], figure["kind"] == BARS
    places = [x for each in series for x in each["x"]]
    values = [y for each in series for y in each["y"] if y is not None]
    if is_bars:
        values += [0.0] if any(values) else [0.0, 1.0]
    half = 0.5 if is_bars else 0.0
    across = _create_scale([*(x - half for x in places), *(x + half for x in places)], LEFT, WIDTH - RIGHT)
    upwards = _create_scale(values, HEIGHT - BOTTOM, TOP)
    marks = [
        _draw_series(
            each,
            _build_series_label(each, series, run_names),
            _build_css_classes(each, place, run_names),
            kind,
            across,
            upwards,
        )
        for place, each in enumerate(series)
    ]
    shown = marks[:_MAX_ENTRIES] if len(marks) > 1 else []
    gaps = [each["gaps"] for each in series]
    return Drawing(
        kind=kind,
        marks=marks,
        x_label=figure["x"]["label"],
        x_ticks=_build_named_ticks(across, figure["x"]["names"])
        if figure["x"]["names"]
        else across.build_ticks(_TICKS_ACROSS),
        y_label=figure["y"]["label"],
        y_ticks=upwards.build_ticks(_TICKS_UPWARDS),
        legend=[(mark.label, mark.classes, gap) for mark, gap in zip(shown, gaps, strict=False)],
        unnamed=len(marks) - len(shown) if shown else 0,
        note=figure["note"],
    )


def _create_scale(values: Iterable[float], begin: float, end: float) -> _Scale:
    """Return a scale that maps the range of the values to pixels from `begin` to `end`."""
    known = list(values)
    low, high = float(min(known)), float(max(known))
    if low == high:
        margin = abs(low) / 2 or 1.0
        low, high = max(low - margin, -sys.float_info.max), min(high + margin, sys.float_info.max)
    return _Scale(low, high, begin, end)


def _iterate_round_numbers(low: float, high: float, limit: int) -> Iterator[float]:
    """Yield up to `limit` + 1 equidistant round numbers between `low` and `high`."""
    span = high - low
    if not math.isfinite(span):
        yield from (low, high)
        return
    unit = 10.0 ** math.floor(math.log10(span / limit))
    step = next((unit * factor for factor in _FACTORS if span / (unit * factor) <= limit), unit * _FACTORS[-1])
    first = math.ceil(low / step)
    for place in range(limit + 1):
        value = (first + place) * step
        if value > high:
            return
        yield value


def _build_named_ticks(x_scale: _Scale, category_names: Sequence[str]) -> Sequence[Tick]:
    if len(category_names) > _MAX_NAMED_BARS:
        return []
    room = _LABEL_CHARACTERS // len(category_names)
    return [
        Tick(
            x_scale.convert(place),
            name if len(name) <= room else f"{name[: (room - 1) // 2]}…{name[-(room // 2) :]}",
        )
        for place, name in enumerate(category_names)
    ]


def _build_series_label(
    series_entry: Mapping[str, Any], all_series: Sequence[Mapping[str, Any]], run_names: Mapping[int, str]
) -> str:
    """Return the label of one of the series: its run, its metric or both, as needed to distinguish it."""
    run = run_names.get(series_entry["run"], "") if len(run_names) > 1 else ""
    metric = series_entry["name"] if not run or len({one["name"] for one in all_series}) > 1 else ""
    return ", ".join(part for part in (run, metric) if part)


def _build_css_classes(series: Mapping[str, Any], series_index: int, run_names: Mapping[int, str]) -> str:
    """Return the CSS classes that determine the colour and the dash pattern of a series."""
    position = (
        list(run_names).index(series["run"]) if len(run_names) > 1 and series["run"] in run_names else series_index
    )
    return f"series-{position % _COLOURS + 1} dash-{position // _COLOURS % _DASHES}"


def _draw_series(
    series: Mapping[str, Any], label: str, classes: str, kind: str, x_scale: _Scale, y_scale: _Scale
) -> SeriesShapes:
    points = [
        None if y is None else (x_scale.convert(x), y_scale.convert(y))
        for x, y in zip(series["x"], series["y"], strict=True)
    ]
    if kind == BARS:
        width = (x_scale.convert(_BAR_WIDTH) - x_scale.convert(0)) if points else 0.0
        zero = y_scale.convert(0)
        bars = [
            (round(x - width / 2, 1), min(y, zero), round(width, 1), max(1.0, round(abs(y - zero), 1)))
            for x, y in filter(None, points)
        ]
        return SeriesShapes(label, classes, "", [], bars)
    if kind == LINES:
        pieces = list(_split_at_gaps(points))
        path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in piece) for piece in pieces if len(piece) > 1)
        return SeriesShapes(label, classes, path, [piece[0] for piece in pieces if len(piece) == 1], [])
    return SeriesShapes(label, classes, "", [point for point in points if point is not None], [])


def _split_at_gaps(points: Iterable[tuple[float, float] | None]) -> Iterator[Sequence[tuple[float, float]]]:
    """Yield the sequences of consecutive points between gaps, which are None."""
    piece: list[tuple[float, float]] = []
    for point in points:
        if point is not None:
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece
