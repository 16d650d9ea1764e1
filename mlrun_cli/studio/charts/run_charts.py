"""The panels of metrics on a run's page and on the exported page: a curve, bars, a table, a matrix or a value.

A panel without a figure has its HTML in `panels/`, in the file named as its kind, for both pages.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import CONFUSION_MATRIX, LIST, ROW, TABLE, VALUE, MetricSummary, assemble_metric
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.figure import BARS, LINES, Figure, build_curves_figure, build_figure, build_series
from mlrun_cli.studio.charts.logged_document import (
    DOCUMENT_SHAPES,
    Grid,
    Matrix,
    build_document_figure,
    build_document_grid,
    parse_matrix,
    read_document,
)
from mlrun_cli.studio.formatting import format_count
from mlrun_cli.workspace import Workspace

CURVE_PANEL, PLOT_PANEL, TABLE_PANEL, MATRIX_PANEL, VALUE_PANEL = "curve", "plot", "table", "matrix", "value"

_MAX_COLUMNS = 30
_MAX_CHARACTERS = 300
_MAX_PLOT_ROWS = 2000


class Panel(NamedTuple):
    """A panel that shows a metric on a run's page.

    Attributes:
        kind: `curve` for a figure over steps or time, `plot` for other figures, or the name of a file in `panels/`.
        value: the logged value of a `value` panel.
        grid: the values as a table, if the panel has one.
        problem: the reason why nothing can be shown, if any.
        source: the URL of the figure.
        address: the URL of the metric's page.
    """

    summary: MetricSummary
    kind: str
    value: Any = None
    grid: Grid | None = None
    matrix: Matrix | None = None
    problem: str = ""
    source: str = ""
    address: str = ""

    @property
    def has_figure(self) -> bool:
        """True if the panel has a figure of lines, points or bars, rather than HTML of its own."""
        return self.kind in {CURVE_PANEL, PLOT_PANEL}

    @property
    def id(self) -> str:
        """The id of the panel's element, unique on the page, derived from the metric's name."""
        return sha256(self.summary.name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def build_panel(workspace: Workspace, run: Run, summary: MetricSummary, max_rows: int) -> Panel:
    """Build the panel of a metric, in which a table has up to `max_rows` rows."""
    if summary.shape in DOCUMENT_SHAPES:
        return _build_document_panel(workspace, run, summary)
    if summary.value_count > 1 and summary.has_numbers and summary.shape in {VALUE, LIST}:
        return Panel(summary, CURVE_PANEL)
    if summary.shape in {ROW, TABLE}:
        grid = _build_table_grid(workspace, run, summary, max_rows)
        return Panel(summary, TABLE_PANEL if _build_grid_figure(grid) is None else PLOT_PANEL, grid=grid)
    if summary.value_count == 1 and summary.shape in {VALUE, LIST}:
        items = workspace.metrics.list_items(run.key, summary.name, limit=1)
        return Panel(summary, VALUE_PANEL, value=items[0].value if items else None)
    return Panel(summary, TABLE_PANEL, grid=build_values_grid(workspace, run, summary, max_rows))


def build_values_grid(workspace: Workspace, run: Run, summary: MetricSummary, max_rows: int, offset: int = 0) -> Grid:
    """Return up to `max_rows` values of a metric, starting at `offset`, as a table."""
    if summary.shape in {ROW, TABLE}:
        return _build_table_grid(workspace, run, summary, max_rows, offset)
    items = workspace.metrics.list_items(run.key, summary.name, limit=max_rows, offset=offset)
    values = [(item.position if item.step is None else item.step, _format_cell(item.value)) for item in items]
    has_next = summary.value_count > offset + max_rows
    return Grid(("step", "value"), values, has_next, has_next)


def build_metric_figure(
    workspace: Workspace,
    run: Run,
    summary: MetricSummary,
    axis: str,
    begin: float | None,
    end: float | None,
    smoothing: float = 0.0,
) -> Figure:
    """Build the figure of a metric; a curve is restricted to a range of the horizontal axis and can be smoothed."""
    if summary.shape in DOCUMENT_SHAPES:
        return build_document_figure(summary.shape, _read_last_document(workspace, run, summary) or {})
    if summary.shape in {ROW, TABLE}:
        grid = _build_table_grid(workspace, run, summary, _MAX_PLOT_ROWS)
        found = _build_grid_figure(grid) or build_figure(LINES, [], x="", y="")
        return (
            {**found, "note": f"The first {format_count(len(grid.rows))} rows are drawn."} if grid.has_next else found
        )
    return build_curves_figure(workspace, [run], [summary.name], axis, begin, end, smoothing)


def _build_document_panel(workspace: Workspace, run: Run, summary: MetricSummary) -> Panel:
    data = _read_last_document(workspace, run, summary)
    if data is None:
        return Panel(summary, TABLE_PANEL, problem="Its file cannot be read.")
    if summary.shape == CONFUSION_MATRIX:
        matrix = parse_matrix(data)
        if matrix is not None:
            return Panel(summary, MATRIX_PANEL, matrix=matrix)
    else:
        grid = build_document_grid(summary.shape, data)
        if grid is not None:
            return Panel(summary, PLOT_PANEL, grid=grid)
    return Panel(summary, TABLE_PANEL, problem="Its file has not the data that its schema asks for.")


def _read_last_document(workspace: Workspace, run: Run, summary: MetricSummary) -> Mapping[str, Any] | None:
    """Read the document logged last for a metric, or return None if it no longer exists."""
    items = workspace.metrics.list_items(run.key, summary.name, limit=1, offset=max(0, summary.value_count - 1))
    return read_document(workspace, run, items[0].value) if items else None


def _build_table_grid(workspace: Workspace, run: Run, summary: MetricSummary, max_rows: int, offset: int = 0) -> Grid:
    """Return up to `max_rows` rows of a metric of rows or tables, starting at `offset`, as a table."""
    # The number of rows in a table is unknown until it has been read.
    skipped = 0 if summary.shape == TABLE else offset
    begin, end = offset - skipped, offset - skipped + max_rows
    items = workspace.metrics.list_items(run.key, summary.name, limit=end, offset=skipped)
    value = (
        assemble_metric(summary.shape, [item.value for item in items], [item.step for item in items]) if items else {}
    )
    columns = list(value)[:_MAX_COLUMNS]
    cells = {name: value[name] if isinstance(value[name], list) else [value[name]] for name in columns}
    height = max((len(column) for column in cells.values()), default=0)
    table = [
        [_format_cell(cells[name][place]) if place < len(cells[name]) else None for name in columns]
        for place in range(begin, min(height, end))
    ]
    has_next = height > end or summary.value_count > skipped + len(items)
    return Grid(columns, table, has_next or len(value) > _MAX_COLUMNS, has_next)


def _build_grid_figure(grid: Grid) -> Figure | None:
    """Build a figure from a table: a line from one or two columns or bars from one row; return None for any other."""
    columns = list(zip(*grid.rows, strict=True))
    if not columns or not all(_is_drawable(cell) for column in columns for cell in column):
        return None
    if len(grid.rows) == 1:
        series = [build_series("", range(len(columns)), [column[0] for column in columns])]
        return build_figure(BARS, series, x="", y="", names=[str(name) for name in grid.columns])
    if len(columns) == 1:
        return build_figure(
            LINES, [build_series(grid.columns[0], range(len(grid.rows)), columns[0])], x="row", y=grid.columns[0]
        )
    if len(columns) == 2:
        across, upwards = grid.columns
        return build_figure(LINES, [build_series(upwards, columns[0], columns[1])], x=across, y=upwards)
    return None


def _is_drawable(value: object) -> bool:
    """Return whether a value is a number within the range of floats."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float)


def _format_cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        value = str(value)
    return f"{value[:_MAX_CHARACTERS]}…" if isinstance(value, str) and len(value) > _MAX_CHARACTERS else value
