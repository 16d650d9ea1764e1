"""`run list --group-by -o table`: a human-readable table of groups of runs, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.cli.output.columns import Layout, TableColumn
from mlrun_cli.cli.output.runs_table import find_best_rows, format_value
from mlrun_cli.metrics.goal import Goal, guess_goal
from mlrun_cli.runs.grouping import DIRECTED, RunGroup
from mlrun_cli.runs.status import RunStatus


def build_groups_layout(
    groups: Sequence[RunGroup], metrics: Sequence[str], aggregates: Sequence[str], goals: Mapping[str, Goal]
) -> Layout:
    """Return a table of groups, in which the best mean, minimum or maximum of each metric is marked.

    Args:
        groups: the groups.
        metrics: the metrics, in order.
        aggregates: the aggregates of each metric, in order.
        goals: the goals of metrics whose names do not tell it, keyed by name.
    """
    names = list(groups[0].values) if groups else []
    keys = [_build_column(name, [group.values[name] for group in groups]) for name in names]
    statuses = [_format_statuses(group) for group in groups]
    values = [
        _build_aggregate_column(groups, name, aggregate, guess_goal(name) or goals.get(name))
        for name in metrics
        for aggregate in aggregates
    ]
    columns = [
        *keys,
        TableColumn("Runs", [str(len(group.runs)) for group in groups], is_right=True),
        *([TableColumn("Not completed", statuses)] if any(statuses) else []),
        *values,
    ]
    last_first = [column.heading for column in reversed(values)]
    return Layout(
        columns,
        narrowings=[
            [
                ("Not completed", 12),
                *((column.heading, max(8, len(column.heading))) for column in keys if not column.is_right),
                *((heading, 0) for heading in ("Not completed", *last_first)),
            ]
        ],
    )


def _build_column(heading: str, values: Sequence[object]) -> TableColumn:
    is_right = all(value is None or isinstance(value, int | float) for value in values)
    return TableColumn(heading, [format_value(value) for value in values], is_right=is_right)


def _build_aggregate_column(groups: Sequence[RunGroup], name: str, aggregate: str, goal: Goal | None) -> TableColumn:
    values = [group.metrics.get(name, {}).get(aggregate) for group in groups]
    column = _build_column(f"{aggregate}({name})", values)
    if goal is not None and aggregate in DIRECTED:
        column.marked = find_best_rows(values, goal)
    return column


def _format_statuses(group: RunGroup) -> str:
    """Return text that counts a group's uncompleted runs by status, such as `1 Failed, 2 Running`."""
    counts = group.count_statuses()
    counts.pop(RunStatus.COMPLETED.value, None)
    return ", ".join(f"{count} {status}" for status, count in counts.items())
