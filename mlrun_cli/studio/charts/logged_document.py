"""Confusion matrices, accuracy tables, residuals and predictions, logged by runs as files in Azure's schemas.

Since scripts wrote the files, values that violate the schema are ignored, and long lists are truncated.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import ACCURACY_TABLE, CONFUSION_MATRIX, PREDICTIONS, RESIDUALS
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.figure import BARS, LINES, Figure, build_figure, build_series
from mlrun_cli.workspace import Workspace

DOCUMENT_SHAPES = frozenset({CONFUSION_MATRIX, ACCURACY_TABLE, RESIDUALS, PREDICTIONS})

_ADDRESS_START = "aml://artifactId/"
_MAX_BYTES = 4 << 20
_MAX_CLASSES = 50
_MAX_CURVES = 20
_MAX_BINS = 500
_SHADES = 9


class Grid(NamedTuple):
    """A table of values.

    Attributes:
        is_cut: whether rows or columns were left out.
        has_next: whether more rows can be requested.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_cut: bool = False
    has_next: bool = False


class MatrixCell(NamedTuple):
    """A count in a confusion matrix; `shade`, from 0 to 9, is its share of the row."""

    number: float
    shade: int


class Matrix(NamedTuple):
    """A confusion matrix, with a row of cells for each true class."""

    labels: Sequence[str]
    rows: Sequence[Sequence[MatrixCell]]
    is_cut: bool


def parse_artifact_url(value: object) -> str:
    """Return the file path in a URL that `log_image` or a similar call logged, or an empty string for other values."""
    text = str(value)
    if not text.startswith(_ADDRESS_START):
        return ""
    return text.removeprefix(_ADDRESS_START).partition("/")[2].partition("/")[2]


def read_document(workspace: Workspace, run: Run, url: object) -> Mapping[str, Any] | None:
    """Read the `data` of a logged document, or return None if the file no longer exists or has no data."""
    try:
        descriptor = open_file(workspace, run, parse_artifact_url(url))
    except NotFound:
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MAX_BYTES)
    try:
        data = json.loads(content)["data"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return data if isinstance(data, dict) else None


def parse_matrix(data: Mapping[str, Any]) -> Matrix | None:
    """Parse a confusion matrix from the data of a document, or return None if the data violates the schema."""
    rows = [_parse_numbers(row) for row in _as_list(data.get("matrix"))[:_MAX_CLASSES]]
    if not rows or not all(rows):
        return None
    labels = [str(label)[:80] for label in _as_list(data.get("class_labels"))]
    width = min(_MAX_CLASSES, max(len(row) for row in rows))
    labels = [*labels, *(str(place) for place in range(len(labels), width))][:width]
    cells = [[MatrixCell(count, _compute_shade(count, row)) for count in row[:width]] for row in rows]
    return Matrix(labels, cells, len(_as_list(data.get("matrix"))) > _MAX_CLASSES)


def build_document_grid(shape: str, data: Mapping[str, Any]) -> Grid | None:
    """Return the data of a document other than a matrix as a table, or None if the data violates the schema."""
    if shape == ACCURACY_TABLE:
        rows = [
            (label, threshold, *counts)
            for label, thresholds in _parse_classes(data)
            for threshold, counts in thresholds
        ]
        columns = ("class", "threshold", "true positive", "false positive", "true negative", "false negative")
        return Grid(columns, rows[:_MAX_BINS], len(rows) > _MAX_BINS) if rows else None
    names = (
        {"bin_counts": "count"}
        if shape == RESIDUALS
        else {
            "bin_averages": "average prediction",
            "bin_errors": "error",
            "bin_counts": "count",
        }
    )
    edges = _parse_numbers(data.get("bin_edges"))
    columns_of_numbers = [_parse_numbers(data.get(name)) for name in names]
    rows = [
        (begin, end, *(column[place] if place < len(column) else None for column in columns_of_numbers))
        for place, (begin, end) in enumerate(pairwise(edges))
    ]
    return Grid(("from", "to", *names.values()), rows[:_MAX_BINS], len(rows) > _MAX_BINS) if rows else None


def build_document_figure(shape: str, data: Mapping[str, Any]) -> Figure:
    """Build the figure of a document other than a matrix, without any series if its data violates the schema."""
    if shape == ACCURACY_TABLE:
        return _build_roc_figure(data)
    edges = _parse_numbers(data.get("bin_edges"))[: _MAX_BINS + 1]
    if shape == RESIDUALS:
        counts = _parse_numbers(data.get("bin_counts"))[: max(0, len(edges) - 1)]
        names = [f"{begin:.4g} to {end:.4g}" for begin, end in pairwise(edges)]
        series = [build_series("count", range(len(counts)), counts)] if counts else []
        return build_figure(BARS, series, x="residual", y="count", names=names)
    averages = _parse_numbers(data.get("bin_averages"))
    centers = [(begin + end) / 2 for begin, end in pairwise(edges)][: len(averages)]
    if not centers:
        return build_figure(LINES, [], x="true value", y="prediction")
    ends = [centers[0], centers[-1]]
    series = [
        build_series("average prediction", centers, averages[: len(centers)]),
        build_series("prediction = true value", ends, ends),
    ]
    return build_figure(LINES, series, x="true value", y="prediction")


def _build_roc_figure(data: Mapping[str, Any]) -> Figure:
    """Build a figure with a ROC curve for each class."""
    series = []
    for label, thresholds in _parse_classes(data)[:_MAX_CURVES]:
        points = sorted(
            (false_positive / (false_positive + true_negative), true_positive / (true_positive + false_negative))
            for _, (true_positive, false_positive, true_negative, false_negative) in thresholds
            if false_positive + true_negative and true_positive + false_negative
        )
        if points:
            series.append(build_series(label, [x for x, _ in points], [y for _, y in points]))
    return build_figure(LINES, series, x="false positive rate", y="true positive rate")


def _parse_classes(data: Mapping[str, Any]) -> list[tuple[str, list[tuple[float | None, list[float]]]]]:
    """Return the label of each class with its thresholds and the four confusion counts at each of them."""
    labels = _as_list(data.get("class_labels"))
    thresholds = _parse_numbers(data.get("probability_thresholds"))
    found = []
    for place, table in enumerate(_as_list(data.get("probability_tables"))[:_MAX_CLASSES]):
        counts = [four for row in _as_list(table)[:_MAX_BINS] if len(four := _parse_numbers(row)) == 4]
        label = str(labels[place])[:80] if place < len(labels) else str(place)
        found.append(
            (label, [(thresholds[at] if at < len(thresholds) else None, four) for at, four in enumerate(counts)])
        )
    return found


def _compute_shade(count: float, row_counts: Sequence[float]) -> int:
    """Return a matrix cell's share of its row as a percentage, for the colour of the cell."""
    total = sum(row_counts)
    return min(_SHADES, max(0, round(_SHADES * count / total))) if total > 0 else 0


def _as_list(value: object) -> list[Any]:
    """Return a value if it is a list, or else an empty list."""
    return value if isinstance(value, list) else []


def _parse_numbers(value: object) -> list[float]:
    """Return a value as a list of numbers, or an empty list if it is not a list of finite numbers."""
    items = _as_list(value)
    if all(isinstance(item, (int, float)) and abs(item) <= sys.float_info.max for item in items):
        return [float(item) for item in items]
    return []
