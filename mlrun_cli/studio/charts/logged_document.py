"""Confusion matrices, accuracy tables, residuals and predictions, which a run has logged as files in Azure's schemas.

Scripts have written them: what is not as the schemas say is no document, and what is too long is cut.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import ACCURACY_TABLE, CONFUSION_MATRIX, PREDICTIONS, RESIDUALS
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.figure import BARS, LINES, Figure, figure, series_of
from mlrun_cli.workspace import Workspace

DOCUMENT_SHAPES = frozenset({CONFUSION_MATRIX, ACCURACY_TABLE, RESIDUALS, PREDICTIONS})

_ADDRESS_START = "aml://artifactId/"
_MOST_BYTES = 4 << 20
_MOST_CLASSES = 50
_MOST_CURVES = 20
_MOST_BINS = 500
_SHADES = 9


class Grid(NamedTuple):
    """A table: the names of its columns, and its rows.

    `is_cut` when there are more of either, `has_next` when the rows after these can be asked for.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_cut: bool = False
    has_next: bool = False


class Cell(NamedTuple):
    """How many of a true class were taken for another; `shade`, from 0 to 9, is their share of the row."""

    number: float
    shade: int


class Matrix(NamedTuple):
    """A confusion matrix: a row of cells for each true class."""

    labels: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    is_cut: bool


def file_of(address: object) -> str:
    """The name of the run's file that an address logged by `log_image` and its like leads to; empty for any other."""
    text = str(address)
    if not text.startswith(_ADDRESS_START):
        return ""
    return text.removeprefix(_ADDRESS_START).partition("/")[2].partition("/")[2]


def read_document(workspace: Workspace, run: Run, address: object) -> Mapping[str, Any] | None:
    """The `data` of a document; None when its file is gone or holds none."""
    try:
        descriptor = open_file(workspace, run, file_of(address))
    except NotFound:
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MOST_BYTES)
    try:
        data = json.loads(content)["data"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return data if isinstance(data, dict) else None


def matrix_of(data: Mapping[str, Any]) -> Matrix | None:
    """The confusion matrix in a document."""
    rows = [_numbers(row) for row in _list(data.get("matrix"))[:_MOST_CLASSES]]
    if not rows or not all(rows):
        return None
    labels = [str(label)[:80] for label in _list(data.get("class_labels"))]
    width = min(_MOST_CLASSES, max(len(row) for row in rows))
    labels = [*labels, *(str(place) for place in range(len(labels), width))][:width]
    cells = [[Cell(count, _shade(count, row)) for count in row[:width]] for row in rows]
    return Matrix(labels, cells, len(_list(data.get("matrix"))) > _MOST_CLASSES)


def grid_of(shape: str, data: Mapping[str, Any]) -> Grid | None:
    """The numbers of any other document as a table."""
    if shape == ACCURACY_TABLE:
        rows = [(label, threshold, *counts) for label, thresholds in _classes(data) for threshold, counts in thresholds]
        columns = ("class", "threshold", "true positive", "false positive", "true negative", "false negative")
        return Grid(columns, rows[:_MOST_BINS], len(rows) > _MOST_BINS) if rows else None
    names = (
        {"bin_counts": "count"}
        if shape == RESIDUALS
        else {
            "bin_averages": "average prediction",
            "bin_errors": "error",
            "bin_counts": "count",
        }
    )
    edges = _numbers(data.get("bin_edges"))
    columns_of_numbers = [_numbers(data.get(name)) for name in names]
    rows = [
        (begin, end, *(column[place] if place < len(column) else None for column in columns_of_numbers))
        for place, (begin, end) in enumerate(pairwise(edges))
    ]
    return Grid(("from", "to", *names.values()), rows[:_MOST_BINS], len(rows) > _MOST_BINS) if rows else None


def figure_of_document(shape: str, data: Mapping[str, Any]) -> Figure:
    """What the plot of any other document draws; without series when it has not what its schema says."""
    if shape == ACCURACY_TABLE:
        return _receiver_figure(data)
    edges = _numbers(data.get("bin_edges"))[: _MOST_BINS + 1]
    if shape == RESIDUALS:
        counts = _numbers(data.get("bin_counts"))[: max(0, len(edges) - 1)]
        names = [f"{begin:.4g} to {end:.4g}" for begin, end in pairwise(edges)]
        series = [series_of("count", range(len(counts)), counts)] if counts else []
        return figure(BARS, series, x="residual", y="count", names=names)
    averages = _numbers(data.get("bin_averages"))
    centers = [(begin + end) / 2 for begin, end in pairwise(edges)][: len(averages)]
    if not centers:
        return figure(LINES, [], x="true value", y="prediction")
    ends = [centers[0], centers[-1]]
    series = [
        series_of("average prediction", centers, averages[: len(centers)]),
        series_of("prediction = true value", ends, ends),
    ]
    return figure(LINES, series, x="true value", y="prediction")


def _receiver_figure(data: Mapping[str, Any]) -> Figure:
    """The share of true positives against that of false ones, a line per class."""
    series = []
    for label, thresholds in _classes(data)[:_MOST_CURVES]:
        points = sorted(
            (false_positive / (false_positive + true_negative), true_positive / (true_positive + false_negative))
            for _, (true_positive, false_positive, true_negative, false_negative) in thresholds
            if false_positive + true_negative and true_positive + false_negative
        )
        if points:
            series.append(series_of(label, [x for x, _ in points], [y for _, y in points]))
    return figure(LINES, series, x="false positive rate", y="true positive rate")


def _classes(data: Mapping[str, Any]) -> list[tuple[str, list[tuple[float | None, list[float]]]]]:
    """For each class its label, and for each threshold this and its four counts."""
    labels = _list(data.get("class_labels"))
    thresholds = _numbers(data.get("probability_thresholds"))
    found = []
    for place, table in enumerate(_list(data.get("probability_tables"))[:_MOST_CLASSES]):
        counts = [four for row in _list(table)[:_MOST_BINS] if len(four := _numbers(row)) == 4]
        label = str(labels[place])[:80] if place < len(labels) else str(place)
        found.append(
            (label, [(thresholds[at] if at < len(thresholds) else None, four) for at, four in enumerate(counts)])
        )
    return found


def _shade(count: float, row: Sequence[float]) -> int:
    total = sum(row)
    return min(_SHADES, max(0, round(_SHADES * count / total))) if total > 0 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(value: object) -> list[float]:
    """A list of finite numbers; empty when it is none."""
    items = _list(value)
    if all(isinstance(item, (int, float)) and abs(item) <= sys.float_info.max for item in items):
        return [float(item) for item in items]
    return []
