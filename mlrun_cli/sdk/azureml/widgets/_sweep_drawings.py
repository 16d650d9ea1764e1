"""Drawings of a sweep as SVG: curves, and parallel coordinates of parameters and the metric."""

import math
from html import escape
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

_WIDTH, _HEIGHT = 560, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 24, 24
_LONGEST_TEXT = 18

_Point = Tuple[float, float]


def draw_curves(runs: "Sequence[Dict[str, Any]]", metric: str) -> str:
    """Return the primary metric's curves as SVG, with the best run on top, or an empty string if no run has a curve."""
    curves = [[(x, y) for x, y in run.get("curve") or () if math.isfinite(y)] for run in runs]
    points = [point for curve in curves for point in curve]
    if max(map(len, curves), default=0) < 2:
        return ""
    convert_x = _create_scale([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    convert_y = _create_scale([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    lines = [
        _draw_line([(convert_x(x), convert_y(y)) for x, y in curve], place, len(runs), run["run_id"])
        for place, (run, curve) in enumerate(zip(runs, curves))
        if curve
    ]
    texts = [
        _draw_text(_LEFT - 4, position, _format_number(value), "end")
        for value, position in _place_extremes([y for _, y in points], _HEIGHT - _BOTTOM, _TOP + 8)
    ]
    texts += [
        _draw_text(position, _HEIGHT - 8, _format_number(value), anchor)
        for (value, position), anchor in zip(
            _place_extremes([x for x, _ in points], _LEFT, _WIDTH - _RIGHT), ("start", "end")
        )
    ]
    return _wrap_in_svg(f"{metric} of {len(lines)} runs", [*reversed(lines), *texts])


def draw_parallel_coordinates(runs: "Sequence[Dict[str, Any]]", parameters: Sequence[str], metric: str) -> str:
    """Return a parallel coordinates plot of the runs' parameters and best metric values as SVG.

    Empty if fewer than two runs have it.
    """
    measured = [run for run in runs if run["best"] is not None and math.isfinite(run["best"])]
    if len(measured) < 2:
        return ""
    names = [*parameters, metric]
    columns = [[run["values"].get(name) for run in measured] for name in parameters]
    columns.append([run["best"] for run in measured])
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(names) - 1)
    shapes: List[str] = []
    placed: List[List[Optional[float]]] = []
    for place, (name, column) in enumerate(zip(names, columns)):
        x = _LEFT + place * step
        positions, ends = _place_values_on_axis(column)
        placed.append(positions)
        shapes.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#999"/>')
        anchor = "end" if place == len(names) - 1 else "middle"
        shapes.append(_draw_text(x, _TOP - 10, name.lstrip("-"), anchor))
        shapes += [_draw_text(x - 4, y, text, "end") for text, y in ends]
    lines = []
    for rank, run in enumerate(measured):
        found = [(place, positions[rank]) for place, positions in enumerate(placed)]
        corners = [(_LEFT + place * step, y) for place, y in found if y is not None]
        lines.append(_draw_line(corners, rank, len(measured), run["run_id"]))
    return _wrap_in_svg(f"Parameters and {metric} of {len(measured)} runs", [*reversed(lines), *shapes])


def _place_values_on_axis(column: Sequence[Any]) -> "Tuple[List[Optional[float]], List[Tuple[str, float]]]":
    """Return the positions of values on an axis, None for missing values, and the axis labels with their positions."""
    low, high = float(_HEIGHT - _BOTTOM), float(_TOP)
    numbers = [value for value in column if _is_number(value)]
    if numbers and len(numbers) == len([value for value in column if value is not None]):
        convert = _create_scale(numbers, low, high)
        ends = [(_format_number(value), position) for value, position in _place_extremes(numbers, low, high + 8)]
        return [None if value is None else convert(value) for value in column], ends
    texts = [None if value is None else str(value) for value in column]
    kinds = sorted({text for text in texts if text is not None})
    places = {kind: low + (high - low) * (index + 0.5) / len(kinds) for index, kind in enumerate(kinds)}
    return [None if text is None else places[text] for text in texts], list(places.items())


def _create_scale(values: Sequence[float], begin: float, end: float) -> "Callable[[float], float]":
    """Return a function that maps numbers to positions, on a logarithmic scale if all are positive and span decades."""
    is_log = min(values) > 0 and max(values) / min(values) >= 100
    convert: Callable[[float], float] = math.log if is_log else float
    low, high = convert(min(values)), convert(max(values))
    if not low < high:
        return lambda _: (begin + end) / 2
    # Halved, since the difference of the largest numbers would overflow.
    return lambda value: begin + (end - begin) * ((convert(value) / 2 - low / 2) / (high / 2 - low / 2))


def _place_extremes(values: Sequence[float], begin: float, end: float) -> "List[Tuple[float, float]]":
    """Return the least and the greatest value with their positions; a single distinct value is placed in the middle."""
    low, high = min(values), max(values)
    return [(low, begin), (high, end)] if low < high else [(low, (begin + end) / 2)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _draw_line(points: Sequence[_Point], rank: int, run_count: int, title: str) -> str:
    """Return a line, or a dot for one point, as SVG; the best run is green, and worse runs are paler."""
    colour = "#1a7f37" if rank == 0 else f"hsl(215,60%,{45 + 40 * rank // max(1, run_count - 1)}%)"
    title = f"<title>{escape(title)}</title>"
    if len(points) == 1:
        (x, y) = points[0]
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}">{title}</circle>'
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    width = 2.5 if rank == 0 else 1.2
    return f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="{width}">{title}</polyline>'


def _draw_text(x: float, y: float, text: str, anchor: str) -> str:
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="10" fill="currentColor">{escape(shown)}</text>'


def _format_number(value: float) -> str:
    return f"{value:.4g}"


def _wrap_in_svg(label: str, shapes: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" style="max-width:100%">{"".join(shapes)}</svg>'
    )
