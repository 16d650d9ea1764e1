"""Plans to find the first runs of a sort order among those that match conditions, by sets of keys.

Which plan is fast depends on how conditions and order are related, which no statistics of a database tell. So a plan
is chosen by a sample of runs, of which each condition is checked and the value that runs are sorted by is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.conditions import RunConditions
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql

_SAMPLE = 1000
"""The number of sampled runs."""
_SURPLUS = 2
"""The number of matching runs of the sample up to which an order is read, beyond `_MARGIN`."""
_MARGIN = 2
"""How many times the runs of the page are expected up to there, not counting the surplus."""
_MOST_KEYS = 1_000_000
"""The number of keys above which those of a set are not read."""
_MOST_SETS = 5
_GOLDEN_RATIO = 0.6180339887498949
_READ, _SCAN = 0.15, 0.09
"""The microseconds for a key that is read, and for one that is only compared with a set."""
_CHECK, _LOOK_UP = 2.0, 8.0
"""The microseconds for a run that may have to be checked, and for one whose value is read, too."""


_Rank: TypeAlias = tuple[bool, Any, int]
"""What runs are sorted by: whether the value is a text, which is greater than every number; the value; the key."""


class KeySet(NamedTuple):
    """The keys of the rows in some ranges of indexes.

    Attributes:
        query: the query for these keys.
        sampled: the runs of the sample that are in the set, a bit for each.
        is_rest: whether the runs outside of the set are meant.
        ordered_by: the terms by which the query returns the keys in the sort order; None if it cannot.
    """

    query: str
    sampled: int
    is_rest: bool = False
    ordered_by: str | None = None


class KeyPlan(NamedTuple):
    """A plan to find runs.

    Attributes:
        sets: the sets to intersect, in this order; if the first one means the runs outside of it, another one follows.
        parameters: the SQL parameters of the queries, except those of the conditions.
        is_bounded: whether runs are found only up to a place in the sort order; otherwise all that match.
    """

    sets: Sequence[KeySet]
    parameters: Mapping[str, object]
    is_bounded: bool


class _Sample(NamedTuple):
    """Some runs, numbered like the bits of sets.

    Attributes:
        weight: the number of runs for each of these.
        ranks: their places in the order; None of those without a value.
        matching: the runs that meet all conditions.
        in_ranges: the runs that meet each condition of `list_index_ranges`.
    """

    weight: float
    ranks: Sequence[_Rank | None]
    matching: int
    in_ranges: Sequence[int]


def list_plans(
    database: Database, conditions: RunConditions, order: OrderSql, *, descending: bool, limit: int
) -> Iterator[KeyPlan]:
    """Yield plans to find the first `limit` runs of a sort order; each is the fallback if the one before finds fewer.

    There is none if too many runs meet each of the conditions.
    """
    sample = _read_sample(database, conditions, order)
    queries = list(map(_build_range_query, conditions.list_index_ranges()))
    bound = _choose_bound(sample, descending=descending, needed=_SURPLUS + int(_MARGIN * limit / sample.weight))
    if bound is not None:
        plan = _build_plan_up_to(bound, sample, queries, order, descending=descending)
        if plan is not None:
            yield plan
    sets = _choose_sets(list(map(KeySet, queries, sample.in_ranges)), sample.weight)
    if sets:
        yield KeyPlan(sets, {}, is_bounded=False)


def _read_sample(database: Database, conditions: RunConditions, order: OrderSql) -> _Sample:
    """Read a sample of runs whose keys are spread evenly but not at equal distances, which might fit a pattern."""
    ((newest),) = database.column("SELECT max(run_key) FROM runs")
    keys = sorted({1 + int(number * _GOLDEN_RATIO % 1 * newest) for number in range(min(_SAMPLE, newest))})
    conditions_of_ranges = [" OR ".join(map(_build_row_check, ranges)) for ranges in conditions.list_index_ranges()]
    checks = [conditions.scan_conditions, *conditions_of_ranges]
    columns = ", ".join(f"CASE WHEN {check} THEN 1 ELSE 0 END AS in_{number}" for number, check in enumerate(checks))
    ranks: list[_Rank | None] = []
    found = [0] * len(checks)
    for places, parameters in build_in_lists("key", keys):
        rows = database.rows(
            f"SELECT runs.run_key AS run_key, {order.value_of_run} AS value, {columns}"  # noqa: S608
            f" FROM runs WHERE runs.run_key IN {places}",
            **parameters,
            **conditions.parameters,
            **order.parameters,
        )
        for row in rows:
            for number in range(len(checks)):
                found[number] |= row[f"in_{number}"] << len(ranks)
            value = row["value"]
            ranks.append(None if value is None else (isinstance(value, str), value, row["run_key"]))
    return _Sample(newest / len(keys), ranks, found[0], found[1:])


def _build_row_check(table_and_condition: tuple[str, str]) -> str:
    table, condition = table_and_condition
    if table == "runs":
        return f"({condition})"
    return f"EXISTS (SELECT 1 FROM {table} WHERE {table}.run_key = runs.run_key AND {condition})"  # noqa: S608


def _build_range_query(ranges: Sequence[tuple[str, str]]) -> str:
    return " UNION ALL ".join(f"SELECT run_key FROM {table} WHERE {condition}" for table, condition in ranges)  # noqa: S608


def _choose_bound(sample: _Sample, *, descending: bool, needed: int) -> _Rank | None:
    """Return the rank up to which `needed` runs of the sample match, or None if fewer match."""
    ranks = [rank for number, rank in enumerate(sample.ranks) if rank is not None and sample.matching >> number & 1]
    ranks.sort(reverse=descending)
    return ranks[needed - 1] if len(ranks) >= needed else None


def _build_plan_up_to(
    bound: _Rank, sample: _Sample, queries: Sequence[str], order: OrderSql, *, descending: bool
) -> KeyPlan | None:
    """Return the plan to find the runs up to a rank, or None if there is none."""
    before = after = 0
    for number, rank in enumerate(sample.ranks):
        if rank is not None and (rank == bound or (rank < bound) != descending):
            before |= 1 << number
        elif rank is not None:
            after |= 1 << number
    within, beyond = (">", "<") if descending else ("<", ">")
    direction = "DESC" if descending else "ASC"
    parameters = {**order.parameters, "bound_value": bound[1], "bound_key": bound[2]}
    if order == KEY_ORDER:  # each set has the keys, which are all that is compared
        bounded = f"SELECT run_key FROM ({{}}) AS few WHERE run_key {within}= :bound_key"  # noqa: S608
        ranges = map(KeySet, map(bounded.format, queries), (each & before for each in sample.in_ranges))
        sets = _choose_sets(list(ranges), sample.weight)
        return KeyPlan(sets, parameters, is_bounded=True) if sets else None
    query = f"SELECT {order.key} AS run_key, {order.value} AS value FROM {order.table} WHERE {order.has_value} AND {{}}"  # noqa: S608
    compared = (
        f"{order.value} {{0}}= :bound_value AND ({order.value} {{0}} :bound_value OR {order.tie} {{0}}{{1}} :bound_key)"
    )
    parts = [
        KeySet(
            query.format(compared.format(within, "=")), before, ordered_by=f"value {direction}, run_key {direction}"
        ),
        KeySet(query.format(compared.format(beyond, "")), after, is_rest=True),
    ]
    sets = _choose_sets([*map(KeySet, queries, sample.in_ranges), *parts], sample.weight)
    return KeyPlan(sets, parameters, any(each in parts for each in sets)) if sets else None


def _choose_sets(sets: Sequence[KeySet], weight: float) -> Sequence[KeySet]:
    """Return the sets to intersect, in the fastest order; none if all are too large."""
    best: tuple[float, tuple[KeySet, ...]] = (float("inf"), ())
    smallest = sorted(sets, key=lambda each: each.sampled.bit_count())[:_MOST_SETS]
    plans: list[tuple[float, int, tuple[KeySet, ...]]] = [(0.0, 0, ())]
    while plans:
        cost, left, chosen = plans.pop()
        if chosen and not chosen[-1].is_rest:
            for_each = _LOOK_UP if chosen[-1].ordered_by is None else _CHECK
            best = min(best, (cost + for_each * _estimate_set_size(left, weight), chosen), key=lambda plan: plan[0])
        for each in smallest:
            size = _estimate_set_size(each.sampled, weight)
            if not chosen and size <= _MOST_KEYS:
                plans.append((_READ * size, ~each.sampled if each.is_rest else each.sampled, (each,)))
            elif chosen and not each.is_rest and each not in chosen:
                both = left & each.sampled
                more = _SCAN * size + _READ * _estimate_set_size(both, weight)
                if cost + more < best[0]:
                    plans.append((cost + more, both, (*chosen, each)))
    return best[1]


def _estimate_set_size(sampled_runs: int, weight: float) -> float:
    """Return the estimated number of runs in a set; the bits of `sampled_runs` mark the sampled runs in it."""
    return max(sampled_runs.bit_count(), 0.5) * weight
