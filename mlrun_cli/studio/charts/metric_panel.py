"""What a run has logged, name by name, each shown by what it is: a curve, bars, a table, a matrix or a value."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from mlrun_cli.metrics.metric import CONFUSION_MATRIX, LIST, ROW, TABLE, VALUE, MetricSummary, assemble
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.figure import BARS, LINES, Figure, curves_figure, figure, series_of
from mlrun_cli.studio.charts.logged_document import (
    DOCUMENT_SHAPES,
    Grid,
    Matrix,
    figure_of_document,
    grid_of,
    matrix_of,
    read_document,
)
from mlrun_cli.studio.formatting import format_count
from mlrun_cli.workspace import Workspace

CURVE_PANEL, PLOT_PANEL, TABLE_PANEL, MATRIX_PANEL, VALUE_PANEL = "curve", "plot", "table", "matrix", "value"

_MOST_COLUMNS = 30
_MOST_SIGNS = 300
_MOST_ROWS_OF_A_PLOT = 2000


class Panel(NamedTuple):
    """One metric of a run on its page.

    Attributes:
        kind: `curve` is drawn along the steps or the time; `plot` along something of its own; `table`, `matrix` and
            `value` are written.
        value: of a `value` panel, what was logged.
        grid: the values as a table, of those that have one.
        problem: why nothing of it can be shown.
        source: the address of what its plot draws.
        address: of the metric's own page.
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
    def id(self) -> str:
        """Tells it from the others of the page: a name may hold any sign."""
        return sha256(self.summary.name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def panel_of(workspace: Workspace, run: Run, summary: MetricSummary, rows: int) -> Panel:
    """The panel of a metric, with at most so many rows of a table."""
    if summary.shape in DOCUMENT_SHAPES:
        return _document_panel(workspace, run, summary)
    if summary.value_count > 1 and summary.has_numbers and summary.shape in {VALUE, LIST}:
        return Panel(summary, CURVE_PANEL)
    if summary.shape in {ROW, TABLE}:
        grid = _table_grid(workspace, run, summary, rows)
        return Panel(summary, TABLE_PANEL if _figure_of_grid(grid) is None else PLOT_PANEL, grid=grid)
    if summary.value_count == 1 and summary.shape in {VALUE, LIST}:
        items = workspace.metrics.items(run.key, summary.name, limit=1)
        return Panel(summary, VALUE_PANEL, value=items[0].value if items else None)
    return Panel(summary, TABLE_PANEL, grid=values_grid(workspace, run, summary, rows))


def values_grid(workspace: Workspace, run: Run, summary: MetricSummary, rows: int, offset: int = 0) -> Grid:
    """The values of a metric as a table, at most so many rows after the first `offset`."""
    if summary.shape in {ROW, TABLE}:
        return _table_grid(workspace, run, summary, rows, offset)
    items = workspace.metrics.items(run.key, summary.name, limit=rows, offset=offset)
    values = [(item.position if item.step is None else item.step, _cell(item.value)) for item in items]
    has_next = summary.value_count > offset + rows
    return Grid(("step", "value"), values, has_next, has_next)


def figure_of_metric(
    workspace: Workspace,
    run: Run,
    summary: MetricSummary,
    over: str,
    begin: float | None,
    end: float | None,
    smoothing: float = 0.0,
) -> Figure:
    """What the plot of a metric draws; `over` and all that follows as `curves_figure` takes them, for a curve."""
    if summary.shape in DOCUMENT_SHAPES:
        return figure_of_document(summary.shape, _last_document(workspace, run, summary) or {})
    if summary.shape in {ROW, TABLE}:
        grid = _table_grid(workspace, run, summary, _MOST_ROWS_OF_A_PLOT)
        found = _figure_of_grid(grid) or figure(LINES, [], x="", y="")
        return (
            {**found, "note": f"The first {format_count(len(grid.rows))} rows are drawn."} if grid.has_next else found
        )
    return curves_figure(workspace, [run], [summary.name], over, begin, end, smoothing)


def _document_panel(workspace: Workspace, run: Run, summary: MetricSummary) -> Panel:
    data = _last_document(workspace, run, summary)
    if data is None:
        return Panel(summary, TABLE_PANEL, problem="Its file cannot be read.")
    if summary.shape == CONFUSION_MATRIX:
        matrix = matrix_of(data)
        if matrix is not None:
            return Panel(summary, MATRIX_PANEL, matrix=matrix)
    else:
        grid = grid_of(summary.shape, data)
        if grid is not None:
            return Panel(summary, PLOT_PANEL, grid=grid)
    return Panel(summary, TABLE_PANEL, problem="Its file has not the data that its schema asks for.")


def _last_document(workspace: Workspace, run: Run, summary: MetricSummary) -> Mapping[str, Any] | None:
    items = workspace.metrics.items(run.key, summary.name, limit=1, offset=max(0, summary.value_count - 1))
    return read_document(workspace, run, items[0].value) if items else None


def _table_grid(workspace: Workspace, run: Run, summary: MetricSummary, rows: int, offset: int = 0) -> Grid:
    """The rows or tables that were logged under one name, as one table: so many rows after the first `offset`."""
    # How many rows a table has is known when it is read.
    skipped = 0 if summary.shape == TABLE else offset
    begin, end = offset - skipped, offset - skipped + rows
    items = workspace.metrics.items(run.key, summary.name, limit=end, offset=skipped)
    value = assemble(summary.shape, [item.value for item in items], [item.step for item in items]) if items else {}
    columns = list(value)[:_MOST_COLUMNS]
    cells = {name: value[name] if isinstance(value[name], list) else [value[name]] for name in columns}
    height = max((len(column) for column in cells.values()), default=0)
    table = [
        [_cell(cells[name][place]) if place < len(cells[name]) else None for name in columns]
        for place in range(begin, min(height, end))
    ]
    has_next = height > end or summary.value_count > skipped + len(items)
    return Grid(columns, table, has_next or len(value) > _MOST_COLUMNS, has_next)


def _figure_of_grid(grid: Grid) -> Figure | None:
    """Two columns of numbers are a line, one is a line along its rows, and one row of numbers is bars."""
    columns = list(zip(*grid.rows, strict=True))
    if not columns or not all(_is_number(cell) for column in columns for cell in column):
        return None
    if len(grid.rows) == 1:
        series = [series_of("", range(len(columns)), [column[0] for column in columns])]
        return figure(BARS, series, x="", y="", names=[str(name) for name in grid.columns])
    if len(columns) == 1:
        return figure(
            LINES, [series_of(grid.columns[0], range(len(grid.rows)), columns[0])], x="row", y=grid.columns[0]
        )
    if len(columns) == 2:
        across, upwards = grid.columns
        return figure(LINES, [series_of(upwards, columns[0], columns[1])], x=across, y=upwards)
    return None


def _is_number(value: object) -> bool:
    """Whether it can be drawn; an integer may be longer than any number of the machine."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float)


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        value = str(value)
    return f"{value[:_MOST_SIGNS]}…" if isinstance(value, str) and len(value) > _MOST_SIGNS else value
