"""The runs that `run list` shows, with the chosen columns of metrics and parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlrun_cli.actions import runs as actions
from mlrun_cli.cli.option_values import add_option_to_errors
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import LAST
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, RunOrder
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.wire.flat_records import RUN_COLUMNS
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.actions.run_columns import RunColumns
    from mlrun_cli.cli.output.columns import Layout
    from mlrun_cli.metrics.goal import Goal
    from mlrun_cli.runs.where.column_choice import ColumnChoice

METRICS, PARAMETERS = "metrics", "parameters"
"""The keys of a run's record under which its columns are."""


class Listing(NamedTuple):
    """Runs with columns.

    Attributes:
        runs: the runs.
        columns: the columns, keyed by `METRICS` and `PARAMETERS`.
        order: the order of the runs; None for the newest first.
        has_more: whether more runs match than were asked for.
        run_filter: the filter of the runs, as the user wrote it.
        choices: the choices of the columns.
    """

    runs: Sequence[Run]
    columns: Mapping[str, RunColumns]
    order: RunOrder | None = None
    has_more: bool = False
    run_filter: RunFilter = RunFilter()
    choices: Mapping[str, ColumnChoice] = MappingProxyType({})

    def build_records(self) -> list[dict[str, Any]]:
        """Return the records of the runs, with the values of the columns."""
        return [
            {**build_run_record(run), **{key: each.get_record(run) for key, each in self.columns.items()}}
            for run in self.runs
        ]

    def build_layout(self, encoding: str) -> Layout:
        """Return the table of the runs."""
        from mlrun_cli.cli.output.runs_table import build_runs_layout  # noqa: PLC0415 - start-up
        from mlrun_cli.cli.run.requested_columns import list_requested_headings  # noqa: PLC0415 - start-up

        names = {key: each.names for key, each in self.columns.items()}
        now = datetime.now(timezone.utc)
        kept = list_requested_headings(self.run_filter, self.order, self.choices)
        return build_runs_layout(
            self.build_records(), encoding, now, names=names, goals=self.get_sort_goals(), kept=kept
        )

    def get_sort_goals(self) -> Mapping[str, Goal]:
        """Return the goal, implied by the sort direction, of the metric by which the list is sorted; empty without one.

        Keys are the name of the metric and, if it is not the last value that counts, a heading such as `max(acc)`.
        """
        if self.order is None or not self.order.column.startswith(f"{METRIC}:"):
            return {}
        from mlrun_cli.metrics.goal import Goal  # noqa: PLC0415 - start-up

        goal = Goal.MAXIMIZE if self.order.descending else Goal.MINIMIZE
        name, _, which = self.order.column.partition(":")[2].rpartition(":")
        return {name: goal} if which == LAST else {name: goal, f"{which}({name})": goal}

    @property
    def first_columns(self) -> Sequence[str]:
        """The first columns of `-o csv`."""
        chosen = {f"{key}.": [f"{key}.{name}" for name in each.names] for key, each in self.columns.items()}
        return [name for first in RUN_COLUMNS for name in chosen.get(first, [first])]


def read_listing(
    workspace: Workspace,
    run_filter: RunFilter,
    order: RunOrder | None,
    choices: Mapping[str, ColumnChoice],
    kept_keys: Collection[int] = (),
) -> Listing:
    """Return the runs that match a filter, with their statuses reconciled, and the chosen columns.

    Without a choice, the metric or parameter by which the runs are sorted is a column. Runs of `kept_keys` are there
    even if they do not match.
    """
    last = run_filter.last
    wider = run_filter if last is None else run_filter._replace(last=last + 1)
    if order is None:
        found = actions.list_runs(workspace, wider)
    else:
        from mlrun_cli.actions.run_pages import list_sorted_runs  # noqa: PLC0415 - start-up

        found = list_sorted_runs(workspace, wider, order)
        choices = {**_choose_sort_column(order), **choices}
    has_more = last is not None and len(found) > last
    found = _add_missing_runs(workspace, found[:last], kept_keys, is_newest_first=order is None)
    if not choices:
        return Listing(found, {}, order, has_more, run_filter)
    from mlrun_cli.actions.run_columns import read_metric_columns, read_parameter_columns  # noqa: PLC0415 - start-up

    readers = {METRICS: read_metric_columns, PARAMETERS: read_parameter_columns}
    columns = {key: readers[key](workspace, found, choice) for key, choice in choices.items()}
    return Listing(found, columns, order, has_more, run_filter, choices)


def _add_missing_runs(
    workspace: Workspace, runs: Sequence[Run], keys: Collection[int], *, is_newest_first: bool
) -> Sequence[Run]:
    """Return the runs with the missing ones of `keys` added: by age if `is_newest_first`, else at the end."""
    missing = set(keys) - {run.key for run in runs}
    if not missing:
        return runs
    added = actions.get_reconciled_runs(workspace, workspace.runs.list_by_keys(sorted(missing, reverse=True)))
    return sorted([*runs, *added], key=lambda run: -run.key) if is_newest_first else [*runs, *added]


def parse_column_choices(metrics: str | None, parameters: str | None) -> Mapping[str, ColumnChoice]:
    """Return the chosen columns, keyed by `METRICS` and `PARAMETERS`.

    Raises:
        UsageError: a choice is not valid.
    """
    if metrics is None and parameters is None:
        return {}
    from mlrun_cli.runs.where.column_choice import parse_metric_choice, parse_parameter_choice  # noqa: PLC0415

    found: dict[str, ColumnChoice] = {}
    if metrics is not None:
        with add_option_to_errors("--metrics"):
            found[METRICS] = parse_metric_choice(metrics)
    if parameters is not None:
        with add_option_to_errors("--params"):
            found[PARAMETERS] = parse_parameter_choice(parameters)
    return found


def _choose_sort_column(order: RunOrder) -> Mapping[str, ColumnChoice]:
    """Return the choice of the metric or parameter that runs are sorted by, empty if they are sorted by a field."""
    from mlrun_cli.runs.where.column_choice import ColumnChoice  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.where.value_name import ValueName  # noqa: PLC0415

    name = ValueName.from_order(order)
    key = {METRIC: METRICS, PARAMETER: PARAMETERS}.get(name.kind)
    return {} if key is None else {key: ColumnChoice(names=[name])}
