"""Moving comparisons from the condition of a run filter to its fields, for which the store has indexes."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.condition import IN, AllOf, Condition, Predicate, join_conditions
from mlrun_cli.runs.where.value_name import FIELD

_CHOICES = frozenset({"experiment", "target", "submitter", "type"})
"""Fields that are also words of the filter language, whose values a filter chooses from."""


def narrow_filter(run_filter: RunFilter) -> RunFilter:
    """Return an equivalent filter with comparisons moved from `where` to the filter's own fields where possible."""
    if run_filter.where is None:
        return run_filter
    left: list[Condition] = []
    for part in run_filter.where.conditions if isinstance(run_filter.where, AllOf) else (run_filter.where,):
        narrowed = (
            _move_to_fields(run_filter, part) if isinstance(part, Predicate) and part.name.kind == FIELD else None
        )
        if narrowed is None:
            left.append(part)
        else:
            run_filter = narrowed
    return run_filter._replace(where=join_conditions(left))


def _move_to_fields(run_filter: RunFilter, predicate: Predicate) -> RunFilter | None:
    """Return the filter with a comparison moved to its fields, or None if no field can express it."""
    field, operator = predicate.name.name, predicate.operator
    if field == "created":
        return _narrow_times(run_filter, predicate)
    if operator not in {"=", IN}:
        return None
    if field == "status":
        statuses = frozenset(map(RunStatus, predicate.values))
        both = statuses & run_filter.statuses if run_filter.statuses else statuses
        return run_filter._replace(statuses=both) if both else None
    if field not in _CHOICES or field in run_filter.any_of:
        return None
    return run_filter._replace(any_of={**run_filter.any_of, field: frozenset(map(str, predicate.values))})


def _narrow_times(run_filter: RunFilter, predicate: Predicate) -> RunFilter | None:
    """Return the filter limited to the times that match a predicate, or None if those times are not a single range."""
    start, end = (int(value) for value in predicate.values)
    after = end if end > start else start + 1
    bounds = {
        "=": (start, after),
        "<": (None, start),
        "<=": (None, after),
        ">": (after, None),
        ">=": (start, None),
    }.get(predicate.operator)
    if bounds is None:
        return None
    low, high = bounds
    return run_filter._replace(
        created_from=_combine_bounds(max, run_filter.created_from, low),
        created_until=_combine_bounds(min, run_filter.created_until, high),
    )


def _combine_bounds(choose_bound: Callable[[int, int], int], bound: int | None, other_bound: int | None) -> int | None:
    if bound is None or other_bound is None:
        return other_bound if bound is None else bound
    return choose_bound(bound, other_bound)
