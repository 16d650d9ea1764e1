"""Tables of runs, and their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlrun_cli.actions.run_pages import Count, RunPage, get_run_page
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import LAST
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, RunOrder
from mlrun_cli.runs.parameters import Parameter, list_differing_parameter_names
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.runs_table.columns import (
    Column,
    ColumnValues,
    select_varying_columns,
)
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

_MAX_CHILDREN = 100
_MAX_ROWS = 1000
_SUGGESTED_PARAMETERS, _SUGGESTED_METRICS = 6, 3
_OLDEST_FIRST = RunOrder("created", descending=False)


class RunRow(NamedTuple):
    """The row of a run.

    Attributes:
        depth: the level in the tree: 0 for runs of the page, 1 for their child runs, and so on.
        has_children: whether the row can be expanded; False if the table is not a tree.
        is_open: whether the row is expanded.
    """

    run: Run
    depth: int = 0
    has_children: bool = False
    is_open: bool = False


class HiddenChildren(NamedTuple):
    """A row that stands for child runs that are not shown because there are too many.

    Attributes:
        depth: the level of the child runs.
        shown: the number of child runs that are shown.
        total: the number of all child runs.
    """

    parent: Run
    depth: int
    shown: int
    total: Count


class RunsTable(NamedTuple):
    """A table of runs.

    Attributes:
        runs: the runs in the rows.
        hidden: the columns that are left out because they are empty or constant.
    """

    rows: Sequence[RunRow | HiddenChildren]
    runs: Sequence[Run]
    columns: Sequence[Column]
    hidden: Sequence[Column]
    values: ColumnValues

    def get_value(self, run: Run, column: Column) -> Any:
        """Return the value of a run in a column, or None if the run has no value."""
        return column.get_value(run, self.values)

    def is_numeric(self, column: Column) -> bool:
        """Return whether the cells of a column contain numbers, which are right-aligned."""
        if column.kind != PARAMETER:
            return column.is_numeric()
        found: list[Parameter] = [value for run in self.runs if (value := self.get_value(run, column)) is not None]
        return all(parameter.number is not None for parameter in found)


def build_runs_table(workspace: Workspace, page: RunPage, view: RunsView, columns: Sequence[Column]) -> RunsTable:
    """Build the table for a page of runs, including the children of expanded runs."""
    rows = list(_walk_tree(workspace, page.runs, frozenset(view.open)) if view.is_tree() else map(RunRow, page.runs))
    runs = [row.run for row in rows if isinstance(row, RunRow)]
    names = list(dict.fromkeys(column.key for column in columns if column.kind == METRIC))
    keys = [run.key for run in runs]
    values = ColumnValues(
        workspace.metric_summaries.get_for_runs(keys, names) if names else {},
        workspace.parameters.get_for_runs(keys) if any(column.kind == PARAMETER for column in columns) else {},
    )
    shown = select_varying_columns(columns, runs, values) if view.hide and runs else columns
    return RunsTable(rows, runs, shown, [column for column in columns if column not in shown], values)


def suggest_columns(workspace: Workspace, runs: Sequence[Run]) -> Sequence[str]:
    """Return the names of columns for parameters that differ between runs, and for metrics that most runs have."""
    keys = [run.key for run in runs]
    found = workspace.parameters.get_for_runs(keys)
    parameters = list_differing_parameter_names([found.get(key, {}) for key in keys])
    metrics = workspace.metric_summaries.list_most_common_names(keys, _SUGGESTED_METRICS)
    return [
        *(f"{PARAMETER}:{name}" for name in parameters[:_SUGGESTED_PARAMETERS]),
        *(f"{METRIC}:{name}:{LAST}" for name, _ in metrics),
    ]


def _walk_tree(
    workspace: Workspace, runs: Sequence[Run], open_ids: frozenset[str], depth: int = 0
) -> Iterator[RunRow | HiddenChildren]:
    """Yield a row for each run and, below an expanded run, rows for its child runs and a note about hidden ones."""
    parents = workspace.run_pages.list_keys_with_children([run.key for run in runs])
    left = _MAX_ROWS
    for run in runs:
        if run.key not in parents or run.run_id not in open_ids or left <= 0:
            yield RunRow(run, depth, run.key in parents)
            continue
        children = get_run_page(workspace, RunFilter(parent_run_id=run.run_id), _OLDEST_FIRST, size=_MAX_CHILDREN)
        yield RunRow(run, depth, has_children=True, is_open=True)
        for row in _walk_tree(workspace, children.runs, open_ids, depth + 1):
            left -= 1
            yield row
        if children.has_more:
            yield HiddenChildren(run, depth + 1, len(children.runs), children.total)
