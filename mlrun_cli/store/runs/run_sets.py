"""The sets of runs that meet conditions, as ranges of indexes from which their keys can be read.

A set is a leaf, which says from which ranges it can be read, or a union or an intersection of sets. It may be a
superset of the runs that meet its condition, since each found run is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.order import METRIC, PARAMETER
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.condition import IN, Predicate
from mlrun_cli.runs.where.value_name import FIELD, FIELDS
from mlrun_cli.store.db.database import build_in_list
from mlrun_cli.store.runs.predicates import COLUMNS, EXPERIMENT_NAME, PredicateSql, build_predicate_sql

Range: TypeAlias = tuple[str, str]
"""A table and a condition on its rows, which is a range of an index that contains the keys of runs."""

_INVERSES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "=", "~": "!~", "!~": "~"}
_TEXT_OPERATORS = frozenset({"~", "!~"})
_TEXT_FIELDS = frozenset({"display_name", "run_id", "target", "submitter", "type"})
"""The fields that an index contains, whose texts can be searched there."""
_ALWAYS = frozenset({"created", "status", "run_number", "run_id", "submitter", "type", "experiment"})
"""The fields in which every run has a value."""
_SEARCH, _SCAN, _READ_ROW = 0.06, 0.35, 1.0
"""The microseconds for a text that is searched in an index, and for a run whose row is read, in or out of order."""
_START_LETTERS = 64
_START = f"substr({COLUMNS['description']}, 1, {_START_LETTERS})"
"""The value in the index of descriptions, word for word."""
_IS_DESCRIBED = f"{COLUMNS['description']} IS NOT NULL"
_IS_SHORT = f"{_IS_DESCRIBED} AND length({_START}) < {_START_LETTERS}"
"""The condition that the index contains the whole description."""
_IS_LONG = f"{_IS_DESCRIBED} AND length({_START}) = {_START_LETTERS}"
_INDEXED = frozenset({*_TEXT_FIELDS, "created", "started", "ended", "run_number", "exit_code", "duration"})


class RangeSet(NamedTuple):
    """The set of runs whose keys are in some ranges or, if negated, in none of them.

    Attributes:
        ranges: the ranges.
        is_rest: whether the runs outside of the ranges are meant.
        visited: the ranges of rows of which each is checked to find these, with the microseconds for a row; empty if
            none is.
        counterpart: ranges that have the keys of all other runs, if every run has a value, which must be checked;
            otherwise empty.
    """

    ranges: tuple[Range, ...]
    is_rest: bool = False
    visited: tuple[tuple[Range, float], ...] = ()
    counterpart: tuple[Range, ...] = ()


class Leaf(NamedTuple):
    """A set that can be read from any one of some ranges of indexes."""

    options: tuple[RangeSet, ...]


class Union(NamedTuple):
    """The union of some sets."""

    parts: tuple[RunSet, ...]


class Intersection(NamedTuple):
    """The intersection of some sets."""

    parts: tuple[RunSet, ...]


RunSet: TypeAlias = Leaf | Union | Intersection


def build_leaf(*ranges: Range) -> Leaf:
    """Return the set of the runs that lie in at least one of the given index ranges."""
    return Leaf((RangeSet(ranges),))


def build_union(parts: Iterable[RunSet]) -> Union:
    """Return the union of sets of runs."""
    return Union(tuple(each for part in parts for each in (part.parts if isinstance(part, Union) else (part,))))


def build_intersection(parts: Iterable[RunSet]) -> Intersection:
    """Return the intersection of sets of runs."""
    return Intersection(tuple(each for part in parts for each in list_intersected_sets(part)))


def list_intersected_sets(part: RunSet) -> Sequence[RunSet]:
    """Return the sets whose intersection this set is, or only this set if it is no intersection."""
    return part.parts if isinstance(part, Intersection) else (part,)


def list_range_sets(part: RunSet) -> Sequence[RangeSet]:
    """Return all range sets from which a set can be read, including alternatives."""
    if isinstance(part, Leaf):
        return part.options
    return [each for inner in part.parts for each in list_range_sets(inner)]


def build_sets(
    predicate: Predicate, sql: PredicateSql, prefix: str, unresponsive_keys: frozenset[int]
) -> tuple[RunSet, RunSet]:
    """Return the set of runs for which a comparison holds, and the set for which it does not.

    Their SQL parameters are those of `sql`, which `build_predicate_sql` returned for the same arguments.
    """
    ranges = _list_ranges(predicate, sql, prefix, unresponsive_keys)
    others = _list_failing_ranges(predicate, prefix, unresponsive_keys)
    visited = _list_checked_ranges(predicate, sql)
    matching = [RangeSet(ranges, visited=visited)]
    rest = [RangeSet(ranges, is_rest=True, visited=visited)]
    if others:
        # Runs without a value are neither here nor there.
        matching.append(RangeSet(others, is_rest=True, visited=visited))
        is_certain = predicate.name.kind == FIELD and predicate.name.name in _ALWAYS
        rest.append(RangeSet(others, False, visited, () if is_certain else ranges))
    return Leaf(tuple(matching)), Leaf(tuple(rest))


def split_into_ranges(condition: str) -> Sequence[str]:
    """Split a condition into conditions on one index range each, which together match the same rows."""
    if " <> " not in condition:
        return [condition]
    return [condition.replace(" <> ", operator) for operator in (" < ", " > ")]


def _list_ranges(
    predicate: Predicate, sql: PredicateSql, prefix: str, unresponsive_keys: frozenset[int]
) -> tuple[Range, ...]:
    """Return the ranges of the values for which a comparison holds."""
    kind = predicate.name.kind
    if kind == FIELD:
        return _list_field_ranges(predicate, sql, prefix, unresponsive_keys)
    if kind == PARAMETER and predicate.operator in _TEXT_OPERATORS:
        # The index has the texts, but of numbers not what was typed.
        named, _, compared = sql.condition.partition(" AND ")
        column = f"{sql.table}.sort_value"
        of_text = compared.replace(f"{sql.table}.text ", f"{column} ")
        texts = (f"{named} AND {column} >= '' AND {of_text}", f"{named} AND {column} < '' AND {compared}")
        return tuple((sql.table, each) for each in texts)
    return _split_sql(sql)


def _split_sql(sql: PredicateSql) -> tuple[Range, ...]:
    """Split the SQL of a comparison into the index ranges for which the comparison holds."""
    conditions = [*split_into_ranges(sql.condition), *([] if sql.others is None else [sql.others])]
    return tuple((sql.table, each) for each in conditions)


def _list_field_ranges(
    predicate: Predicate, sql: PredicateSql, prefix: str, unresponsive_keys: frozenset[int]
) -> tuple[Range, ...]:
    name = predicate.name.name
    if name == "status":
        is_negated = predicate.operator == "!="
        return _list_status_ranges(predicate.values, prefix, unresponsive_keys, is_negated=is_negated)
    if name == "experiment":
        name_condition = sql.condition.replace(EXPERIMENT_NAME, "experiments.name")
        keys = f"SELECT experiment_key FROM experiments WHERE {name_condition}"  # noqa: S608 — our own words
        return (("runs", f"runs.experiment_key IN ({keys})"),)
    if name == "description":
        return _list_description_ranges(predicate, sql.condition, prefix)
    if predicate.operator in _TEXT_OPERATORS and name in _TEXT_FIELDS:
        # Otherwise the index that omits runs without a value is not used.
        return (("runs", f"{COLUMNS[name]} IS NOT NULL AND {sql.condition}"),)
    if FIELDS[name] == "time" and sql.condition.startswith("NOT "):
        start, end = (f"{COLUMNS[name]} < :{prefix}_start", f"{COLUMNS[name]} >= :{prefix}_end")
        return (("runs", start), ("runs", end))
    return _split_sql(sql)


def _list_description_ranges(predicate: Predicate, condition: str, prefix: str) -> tuple[Range, ...]:
    """Return the ranges for a comparison of descriptions, of which the index contains only the first letters."""
    if predicate.operator in _TEXT_OPERATORS:
        of_start = condition.replace(COLUMNS["description"], _START)
        return (("runs", f"{_IS_SHORT} AND {of_start}"), ("runs", f"{_IS_LONG} AND {condition}"))
    if predicate.operator == IN:
        names = (f"{prefix}_{number}" for number in range(len(predicate.values)))
        starts = ", ".join(f"substr(:{name}, 1, {_START_LETTERS})" for name in names)
        return (("runs", f"{_IS_DESCRIBED} AND {_START} IN ({starts}) AND {condition}"),)
    start = f"substr(:{prefix}, 1, {_START_LETTERS})"
    same = f"{_IS_DESCRIBED} AND {_START} = {start} AND {condition}"
    if predicate.operator == "=":
        return (("runs", same),)
    others = (f"{_IS_DESCRIBED} AND {_START} {operator} {start}" for operator in "<>")
    return (("runs", same), *(("runs", each) for each in others))


def _list_failing_ranges(predicate: Predicate, prefix: str, unresponsive_keys: frozenset[int]) -> tuple[Range, ...]:
    """Return the ranges of the values for which a comparison does not hold; empty if they do not form ranges."""
    kind, name, _ = predicate.name
    if kind == FIELD and name == "status":
        is_negated = predicate.operator != "!="
        return _list_status_ranges(predicate.values, prefix, unresponsive_keys, is_negated=is_negated)
    inverse = _INVERSES.get(predicate.operator)
    if inverse is None:
        return ()
    inverted = predicate._replace(operator=inverse)
    sql = build_predicate_sql(inverted, prefix, unresponsive_keys)
    ranges = _list_ranges(inverted, sql, prefix, unresponsive_keys)
    if kind in {FIELD, METRIC} or predicate.operator in {"=", "!=", *_TEXT_OPERATORS}:
        return ranges
    # A text and a number are not compared: every text is greater than every number.
    comparison = "<" if isinstance(predicate.values[0], str) else ">="
    named = sql.condition.partition(" AND ")[0]
    return (*ranges, (sql.table, f"{named} AND {sql.table}.sort_value {comparison} ''"))


def _list_status_ranges(
    values: Sequence[object], prefix: str, unresponsive_keys: frozenset[int], *, is_negated: bool
) -> tuple[Range, ...]:
    meant = [each for each in RunStatus if (each.value in values) != is_negated]
    listed = ", ".join(f"'{each.value}'" for each in meant)
    recorded = f"runs.status IN ({listed})"
    if not unresponsive_keys:
        return (("runs", recorded),)
    lost, _ = build_in_list(f"{prefix}_lost", sorted(unresponsive_keys))
    of_lost = [("runs", f"runs.run_key IN {lost}")] if RunStatus.NOT_RESPONDING in meant else []
    return (("runs", f"{recorded} AND runs.run_key NOT IN {lost}"), *of_lost)


def _list_checked_ranges(predicate: Predicate, sql: PredicateSql) -> tuple[tuple[Range, float], ...]:
    """Return the ranges whose rows must be checked one by one, with the cost of a check in microseconds."""
    kind, name, _ = predicate.name
    is_searched = predicate.operator in _TEXT_OPERATORS
    if kind != FIELD:
        return (((sql.table, sql.condition.partition(" AND ")[0]), _SEARCH),) if is_searched else ()
    if is_searched and name == "description":
        return ((("runs", _IS_SHORT), _SEARCH), (("runs", _IS_LONG), _READ_ROW))
    if is_searched and name in _TEXT_FIELDS:
        return ((("runs", f"{COLUMNS[name]} IS NOT NULL"), _SEARCH),)
    is_range = name in {"status", "experiment", "description"} or (name in _INDEXED and not is_searched)
    return () if is_range else ((("runs", "TRUE"), _SCAN),)
