"""A table of runs: its rows, what stands in them, and which columns it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mlrun_cli.actions.run_pages import Count, RunPage, run_page
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, RunOrder
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.runs_table.columns import Column, Summaries, telling_columns
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.workspace import Workspace

_MOST_CHILDREN = 100
_MOST_ROWS = 1000
_OLDEST_FIRST = RunOrder("created", descending=False)


class Row(NamedTuple):
    """A row.

    Attributes:
        depth: 0 for a run of the page, 1 for its child runs that are shown below it, and so on.
        has_children: whether it can be unfolded; False where the table is no tree.
        is_open: whether its child runs are shown below it.
    """

    run: Run
    depth: int = 0
    has_children: bool = False
    is_open: bool = False


class Rest(NamedTuple):
    """A row that stands for the child runs of a run beyond the first, which are not shown.

    Attributes:
        depth: that of the child runs.
        shown: how many are.
        total: how many there are.
    """

    parent: Run
    depth: int
    shown: int
    total: Count


class RunsTable(NamedTuple):
    """The table.

    Attributes:
        runs: those of its rows.
        hidden: the columns that are left out because they tell nothing.
    """

    rows: Sequence[Row | Rest]
    runs: Sequence[Run]
    columns: Sequence[Column]
    hidden: Sequence[Column]
    summaries: Summaries

    def value(self, run: Run, column: Column) -> Any:
        """What stands in a column for a run; None when there is nothing."""
        return column.value(run, self.summaries)


def runs_table(workspace: Workspace, page: RunPage, view: RunsView, columns: Sequence[Column]) -> RunsTable:
    """The table of a page of runs, with the child runs of those that are unfolded."""
    rows = list(_tree(workspace, page.runs, frozenset(view.open)) if view.is_tree() else map(Row, page.runs))
    runs = [row.run for row in rows if isinstance(row, Row)]
    names = list(dict.fromkeys(column.key for column in columns if column.kind == METRIC))
    summaries = workspace.metric_summaries.of_runs([run.key for run in runs], names) if names else {}
    shown = telling_columns(columns, runs, summaries) if view.hide and runs else columns
    return RunsTable(rows, runs, shown, [column for column in columns if column not in shown], summaries)


def _tree(workspace: Workspace, runs: Sequence[Run], opened: frozenset[str], depth: int = 0) -> Iterator[Row | Rest]:
    parents = workspace.run_pages.parents_among([run.key for run in runs])
    left = _MOST_ROWS
    for run in runs:
        if run.key not in parents or run.run_id not in opened or left <= 0:
            yield Row(run, depth, run.key in parents)
            continue
        children = run_page(workspace, RunFilter(parent_run_id=run.run_id), _OLDEST_FIRST, size=_MOST_CHILDREN)
        yield Row(run, depth, has_children=True, is_open=True)
        for row in _tree(workspace, children.runs, opened, depth + 1):
            left -= 1
            yield row
        if children.has_more:
            yield Rest(run, depth + 1, len(children.runs), children.total)
