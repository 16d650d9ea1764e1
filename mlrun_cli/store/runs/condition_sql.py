"""The SQL of conditions, as index lookups and as checks of individual runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.where.condition import AllOf, Condition, Negation, Predicate
from mlrun_cli.store.runs.predicates import PredicateSql, build_predicate

_IsRare: TypeAlias = Callable[[str, Sequence[str], Mapping[str, object]], bool]


class ConditionSql(NamedTuple):
    """The SQL of a condition on `runs`.

    Attributes:
        checked: the condition, written so that no index is used; it is never null.
        looked_up: the condition, written so that an index returns the runs, if these are few; otherwise None.
        ranges: the tables and conditions on their rows, each a range of an index, that together return the keys of the
            runs; empty if there are none.
    """

    checked: str
    looked_up: str | None
    ranges: Sequence[tuple[str, str]] = ()


class ConditionSqlBuilder:
    """Builds the SQL of conditions.

    Args of the constructor:
        test_rarity: returns whether few rows of a table meet any of some conditions.
        prefix: the first letters of the names of the SQL parameters.
        not_responding: keys of live runs that do not respond.

    Attributes:
        parameters: the SQL parameters of what has been built.
    """

    def __init__(self, test_rarity: _IsRare, prefix: str, not_responding: frozenset[int] = frozenset()) -> None:
        self.parameters: dict[str, object] = {}
        self._is_rare = test_rarity
        self._prefix = prefix
        self._not_responding = not_responding
        self._count = 0

    def build(self, condition: Condition) -> ConditionSql:
        """Return the SQL of a condition."""
        if isinstance(condition, Predicate):
            prefix = f"{self._prefix}_{self._count}"
            self._count += 1
            return self.build_from_predicate_sql(build_predicate(condition, prefix, self._not_responding))
        if isinstance(condition, Negation):
            return ConditionSql(f"NOT {self.build(condition.condition).checked}", None)
        parts = [self.build(each) for each in condition.conditions]
        if isinstance(condition, AllOf):
            checked = _join_with_operator(" AND ", [each.checked for each in parts])
            is_rare = any(each.looked_up is not None for each in parts)
            return ConditionSql(
                checked, _join_with_operator(" AND ", list(map(_prefer_lookup, parts))) if is_rare else None
            )
        checked = _join_with_operator(" OR ", [each.checked for each in parts])
        is_rare = all(each.looked_up is not None for each in parts)
        looked_up = _join_with_operator(" OR ", list(map(_prefer_lookup, parts))) if is_rare else None
        has_ranges = all(each.ranges for each in parts)
        return ConditionSql(
            checked, looked_up, [found for each in parts for found in each.ranges] if has_ranges else ()
        )

    def build_from_predicate_sql(self, sql: PredicateSql) -> ConditionSql:
        """Return the SQL of a condition that consists of one comparison."""
        self.parameters.update(sql.parameters)
        if sql.table == "runs":
            checked = f"({sql.condition}) IS TRUE"
            if sql.others is not None:
                checked = f"({checked} OR ({sql.others}))"
        else:
            checked = f"EXISTS (SELECT 1 FROM {sql.table} WHERE {sql.table}.run_key = runs.run_key AND {sql.condition})"  # noqa: S608
        ranges = _split_into_ranges(sql.condition) if sql.is_indexed else []
        is_rare = bool(ranges) and self._is_rare(sql.table, ranges, sql.parameters)
        is_whole = sql.others is None
        return ConditionSql(
            checked, _build_lookup(sql) if is_rare else None, [(sql.table, each) for each in ranges] if is_whole else ()
        )


def _build_lookup(sql: PredicateSql) -> str:
    conditions = [*_split_into_ranges(sql.condition), *([] if sql.others is None else [sql.others])]
    rows = " UNION ALL ".join(f"SELECT run_key FROM {sql.table} WHERE {each}" for each in conditions)  # noqa: S608
    return f"runs.run_key IN ({rows})"


def _split_into_ranges(condition: str) -> Sequence[str]:
    """Split a condition into conditions on one index range each, which together match the same rows."""
    if " <> " not in condition:
        return [condition]
    return [condition.replace(" <> ", operator) for operator in (" < ", " > ")]


def _prefer_lookup(sql: ConditionSql) -> str:
    """Return the condition that looks runs up, if there is one, or else the condition that is checked on each run."""
    return sql.checked if sql.looked_up is None else sql.looked_up


def _join_with_operator(operator: str, parts: Sequence[str]) -> str:
    return f"({operator.join(parts)})"
