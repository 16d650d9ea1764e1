"""The SQL of conditions, as index lookups and as checks of individual runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.where.condition import AllOf, Condition, Negation, Predicate
from mlrun_cli.store.runs.predicates import PredicateSql, build_predicate_sql
from mlrun_cli.store.runs.run_sets import RunSet, build_intersection, build_sets, build_union, split_into_ranges

_IsRare: TypeAlias = Callable[[str, Sequence[str], Mapping[str, object]], bool]


class ConditionSql(NamedTuple):
    """The SQL of a condition on `runs`.

    Attributes:
        checked: the condition, written so that no index is used; it is never null.
        values_per_check: the number of values in other tables that this reads.
        looked_up: the condition, written so that an index returns the runs, if these are few; otherwise None.
        matching: a set that contains the runs that meet the condition.
        rest: the same for the runs that do not meet it.
    """

    checked: str
    values_per_check: int
    looked_up: str | None
    matching: RunSet
    rest: RunSet


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
            sql = build_predicate_sql(condition, prefix, self._not_responding)
            matching, rest = build_sets(condition, sql, prefix, self._not_responding)
            return self.build_from_predicate_sql(sql, matching, rest)
        if isinstance(condition, Negation):
            inner = self.build(condition.condition)
            return ConditionSql(f"NOT {inner.checked}", inner.values_per_check, None, inner.rest, inner.matching)
        parts = [self.build(each) for each in condition.conditions]
        values = sum(each.values_per_check for each in parts)
        all_matching, all_rest = [each.matching for each in parts], [each.rest for each in parts]
        if isinstance(condition, AllOf):
            checked = _join_with_operator(" AND ", [each.checked for each in parts])
            is_rare = any(each.looked_up is not None for each in parts)
            looked_up = _join_with_operator(" AND ", list(map(_prefer_lookup, parts))) if is_rare else None
            return ConditionSql(checked, values, looked_up, build_intersection(all_matching), build_union(all_rest))
        checked = _join_with_operator(" OR ", [each.checked for each in parts])
        is_rare = all(each.looked_up is not None for each in parts)
        looked_up = _join_with_operator(" OR ", list(map(_prefer_lookup, parts))) if is_rare else None
        return ConditionSql(checked, values, looked_up, build_union(all_matching), build_intersection(all_rest))

    def build_from_predicate_sql(self, sql: PredicateSql, matching: RunSet, rest: RunSet) -> ConditionSql:
        """Return the SQL of a single comparison that holds for the runs in `matching` and not for those in `rest`."""
        self.parameters.update(sql.parameters)
        checks = [_build_check(sql.table, each) for each in (sql.condition, sql.others) if each is not None]
        checked = _join_with_operator(" OR ", checks) if len(checks) > 1 else checks[0]
        values = 0 if sql.table == "runs" else len(checks)
        ranges = [*split_into_ranges(sql.condition), *([] if sql.others is None else [sql.others])]
        ranges = ranges if sql.is_indexed else []
        is_rare = bool(ranges) and self._is_rare(sql.table, ranges, sql.parameters)
        return ConditionSql(checked, values, _build_lookup(sql) if is_rare else None, matching, rest)


def _build_check(table: str, condition: str) -> str:
    if table == "runs":
        # SQLite would read a whole partial index for `IS TRUE`, from which it infers that the column is not null.
        return f"coalesce({condition}, FALSE)"
    return f"EXISTS (SELECT 1 FROM {table} WHERE {table}.run_key = runs.run_key AND {condition})"  # noqa: S608


def _build_lookup(sql: PredicateSql) -> str:
    conditions = [*split_into_ranges(sql.condition), *([] if sql.others is None else [sql.others])]
    rows = " UNION ALL ".join(f"SELECT run_key FROM {sql.table} WHERE {each}" for each in conditions)  # noqa: S608
    return f"runs.run_key IN ({rows})"


def _prefer_lookup(sql: ConditionSql) -> str:
    """Return the condition that looks up runs by key if there is one, or else the one that is checked on each run."""
    return sql.checked if sql.looked_up is None else sql.looked_up


def _join_with_operator(operator: str, parts: Sequence[str]) -> str:
    return f"({operator.join(parts)})"
