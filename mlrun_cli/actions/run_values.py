"""The meaning of value names in a workspace: a bare name is a metric or a parameter."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mlrun_cli.actions.parameters import backfill_parameters
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.metrics.metric import LAST
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, RunOrder
from mlrun_cli.runs.where.condition import AllOf, AnyOf, Condition, Negation, Predicate, iterate_predicates
from mlrun_cli.runs.where.narrowing import narrow_filter
from mlrun_cli.runs.where.value_name import FIELD, PLAIN, ValueName, parse_value_names
from mlrun_cli.workspace import Workspace

_MAX_NAMES = 1000


def resolve_where(workspace: Workspace, run_filter: RunFilter) -> RunFilter:
    """Return a filter with the names in its condition resolved and its simple comparisons moved to its fields."""
    if run_filter.where is None:
        return run_filter
    return narrow_filter(run_filter._replace(where=_resolve_condition(workspace, run_filter.where)))


def resolve_name(workspace: Workspace, name: ValueName) -> ValueName:
    """Return a bare name as that of a metric if any run has logged numbers under it, else of a parameter."""
    if name.kind != PLAIN:
        return name
    return name._replace(kind=METRIC if workspace.metric_summaries.has_numbers(name.name) else PARAMETER)


def list_unknown_names(workspace: Workspace, run_filter: RunFilter, sort: str | None = None) -> Sequence[str]:
    """Return the bare names in a filter's condition and in a sort order that no run has as a metric or parameter."""
    found = [] if run_filter.where is None else [each.name for each in iterate_predicates(run_filter.where)]
    if sort is not None:
        found.extend(parse_value_names(sort))
    return [
        name
        for name in dict.fromkeys(each.name for each in found if each.kind == PLAIN)
        if not workspace.metric_summaries.has_numbers(name) and is_unknown_parameter(workspace, name)
    ]


def is_unknown_parameter(workspace: Workspace, name: str) -> bool:
    """Return whether no run has a parameter with this name; false as well while those of older runs are unread."""
    parameters = workspace.parameters
    return not parameters.has_name(name) and backfill_parameters(workspace) and not parameters.has_name(name)


def find_similar_name(workspace: Workspace, name: str, kinds: Collection[str] = (METRIC, PARAMETER)) -> str | None:
    """Return the name of a metric or parameter that is most similar to a misspelled name, or None if none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - not on the way of what succeeds

    list_names = {METRIC: workspace.metric_summaries.list_all_names, PARAMETER: workspace.parameters.list_all_names}
    known = [each for kind in kinds for each in list_names[kind](_MAX_NAMES)]
    return next(iter(get_close_matches(name, known, n=1)), None)


def parse_run_order(workspace: Workspace, text: str, *, descending: bool) -> RunOrder:
    """Parse a sort order such as `rmse`, `max(accuracy)`, `param.lr`, `tag.team` or `created`.

    Raises:
        InvalidFilter: it is not the name of a value by which runs are sorted.
    """
    names = parse_value_names(text)
    if len(names) > 1:
        raise InvalidFilter(f"'{text}' is more than one name.", hint="Sort by one value.", target=text)
    name = resolve_name(workspace, names[0])
    column = name.name if name.kind == FIELD else f"{name.kind}:{name.name}"
    column += f":{name.which}" if name.kind == METRIC else ""
    return RunOrder.parse(f"-{column}" if descending else column)


def _resolve_condition(workspace: Workspace, condition: Condition) -> Condition:
    if isinstance(condition, Predicate):
        return _resolve_predicate(workspace, condition)
    if isinstance(condition, Negation):
        return Negation(_resolve_condition(workspace, condition.condition))
    parts = tuple(_resolve_condition(workspace, each) for each in condition.conditions)
    return AllOf(parts) if isinstance(condition, AllOf) else AnyOf(parts)


def _resolve_predicate(workspace: Workspace, predicate: Predicate) -> Predicate:
    """Resolve the name in a comparison and return the comparison; a name compared with a string is a parameter."""
    if predicate.name.kind != PLAIN:
        return predicate
    if any(isinstance(value, str) for value in predicate.values):
        return predicate._replace(name=ValueName(PARAMETER, predicate.name.name, LAST))
    return predicate._replace(name=resolve_name(workspace, predicate.name))
