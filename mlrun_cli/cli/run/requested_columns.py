"""The columns of `run list -o table` that its options name, and that narrow terminals show as long as they can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.cli.output.runs_table import build_value_heading
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, TAG, RunOrder
from mlrun_cli.runs.where.column_choice import ColumnChoice
from mlrun_cli.runs.where.condition import iterate_predicates
from mlrun_cli.runs.where.value_name import FIELD, PLAIN, ValueName

_HEADINGS = {
    "status": "Status",
    "display_name": "Name",
    "run_id": "Run",
    "experiment": "Experiment",
    "target": "Target",
    "duration": "Duration",
    "created": "Age",
}
_RECORD_KEYS = {METRIC: ("metrics",), PARAMETER: ("parameters",), PLAIN: ("metrics", "parameters")}


def list_requested_headings(
    run_filter: RunFilter, order: RunOrder | None, choices: Mapping[str, ColumnChoice]
) -> Sequence[str]:
    """Return the headings of the columns named by an order, choices and a filter, the most important first.

    Some of them may not be in the table.
    """
    return list(
        dict.fromkeys(
            heading for name in _iterate_names(run_filter, order, choices) for heading in _list_headings(name)
        )
    )


def _iterate_names(
    run_filter: RunFilter, order: RunOrder | None, choices: Mapping[str, ColumnChoice]
) -> Iterator[ValueName]:
    if order is not None:
        yield ValueName.from_order(order)
    for choice in choices.values():
        yield from choice.names
    if run_filter.where is not None:
        yield from (predicate.name for predicate in iterate_predicates(run_filter.where))
    yield from (ValueName(TAG, each.key) for each in run_filter.tags)
    yield from (ValueName(FIELD, name) for name in run_filter.any_of)


def _list_headings(name: ValueName) -> Sequence[str]:
    if name.kind == TAG:
        return ["Tags"]
    if name.kind == FIELD:
        return [_HEADINGS[name.name]] if name.name in _HEADINGS else []
    return [build_value_heading(key, name.title) for key in _RECORD_KEYS.get(name.kind, ())]
