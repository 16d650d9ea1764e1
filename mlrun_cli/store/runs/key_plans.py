"""Plans to find the first matching runs of a sort order by intersecting sets of keys.

Which plan is fast depends on how conditions and order are related, which no statistics of a database tell. So a plan
is chosen by a sample of runs, of which each condition is checked and the value that runs are sorted by is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, TypeAlias

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.conditions import RunConditions
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql, build_sort_terms
from mlrun_cli.store.runs.run_sets import Leaf, Range, RangeSet, RunSet, Union, list_range_sets
from mlrun_cli.store.runs.samples import list_sample_keys

_SAMPLE = 1000
"""The number of sampled runs."""
_SURPLUS = 2
"""The number of matching runs of the sample up to which an order is read, beyond `_MARGIN`."""
_MARGIN = 2
"""How many times the runs of the page are expected up to there, not counting the surplus."""
_CHANCE = 2
"""How many times as many non-matching runs as on average come before a matching one by chance."""
_MAX_SETS = 6
"""The number of sets of which the fastest ones are chosen."""
_MAX_CHOSEN = 4
_READ, _SCAN, _COUNT = 0.15, 0.09, 0.03
"""The microseconds for a key that is read, for one that is only compared with a set, and for one that is counted."""
_CHECK, _CHECK_VALUE, _LOOK_UP = 3.0, 5.0, 8.0
"""The microseconds for a run that is checked, for each value in another table that this needs, and for a run whose
value is read to sort by it."""
_NEIGHBOURS = 3
"""How many times as fast runs with consecutive keys are checked, which are in the same pages of the database."""
_CHECK_TEXT, _CHECK_TEXT_SLOWLY = 10.0, 100.0
"""The microseconds for a text in which words are searched."""
_MAX_NEWEST = 20_000
"""The number of the newest runs that are checked at most to find matching ones without a value."""
_MANY_TEXTS = 20_000
"""The number of runs that are found faster if terms that the index of texts does not have are left out first."""
_FIND_TEXT, _READ_TEXT = 0.25, 0.7
"""The microseconds for a run that the index of texts finds, and for one whose text is read."""

_Rank: TypeAlias = tuple[bool, Any, int]
"""What runs are sorted by: whether the value is a text, which is greater than every number; the value; the key."""

_Queries: TypeAlias = tuple[str, ...]


class KeySet(NamedTuple):
    """The keys of the rows in some ranges of indexes.

    Attributes:
        queries: the queries for these keys, each for a range; two may return the same key.
        sampled: the runs of the sample that are in the set, a bit for each.
        read: the runs of the sample that the query returns.
        is_rest: whether the runs are meant that the query does not return.
        ordered_by: the terms by which the query returns the keys in the sort order; None if it cannot.
        visiting: the microseconds for checking rows.
        counterpart: the queries for the keys of all other runs, if every run has a value, which must be checked.
        is_text: whether these are the runs with the text that is searched.
    """

    queries: _Queries
    sampled: int
    read: int
    is_rest: bool = False
    ordered_by: str | None = None
    visiting: float = 0.0
    counterpart: _Queries = ()
    is_text: bool = False


class CombinedSet(NamedTuple):
    """The union or the intersection of sets.

    Attributes:
        parts: the sets.
        is_union: whether it is the union.
        sampled: the runs of the sample that are in it, a bit for each.
    """

    parts: Sequence[AnyKeySet]
    is_union: bool
    sampled: int


AnyKeySet: TypeAlias = KeySet | CombinedSet


class KeyPlan(NamedTuple):
    """A plan to find runs.

    Attributes:
        sets: the sets to intersect, in this order; only the last one may return its keys in the sort order.
        parameters: the SQL parameters of the queries, except those of the conditions.
        is_bounded: whether runs are found only up to a place in the sort order; otherwise all that match.
        keys: the keys of the runs that are found; None if they may be any.
        following: the keys of matching runs that come after those that are found.
    """

    sets: Sequence[AnyKeySet]
    parameters: Mapping[str, object]
    is_bounded: bool
    keys: range | None = None
    following: Sequence[int] = ()


class _Sample(NamedTuple):
    """Some runs, numbered like the bits of sets.

    Attributes:
        weight: the number of runs for each of these.
        newest: the greatest key of all runs.
        ranks: their places in the order; None of those without a value.
        matching: the runs that meet all conditions.
        limit: the number of runs up to the end of the page.
        needed: the number of sampled runs up to there.
        preceding: the runs that do not match, and that the order has before these.
        in_ranges: the runs in each range.
        of_newest: the ranges with the newest run, which often lacks a value that all others have.
        text: the runs with the text.
        check_cost: the microseconds for checking whether a run meets all conditions.
        check_cost_of_found: the same for a run that the index of texts has found.
    """

    weight: float
    newest: int
    ranks: Sequence[_Rank | None]
    matching: int
    limit: int
    needed: int
    preceding: int
    in_ranges: Mapping[Range, int]
    of_newest: frozenset[Range]
    text: int
    check_cost: float
    check_cost_of_found: float

    @property
    def all_runs(self) -> int:
        """The bit mask that marks all runs of the sample."""
        return (1 << len(self.ranks)) - 1


def iterate_plans(
    database: Database,
    conditions: RunConditions,
    order: OrderSql,
    *,
    descending: bool,
    limit: int,
) -> Iterator[KeyPlan]:
    """Yield plans to find the first `limit` runs of a sort order, each a fallback if the one before finds fewer."""
    expected = conditions.list_run_sets()
    sample = _read_sample(database, conditions, order, expected, descending=descending, limit=limit)
    texts = _list_text_sets(conditions, sample)
    bound = _choose_bound(sample, descending=descending, needed=_SURPLUS + int(_MARGIN * limit / sample.weight))
    refuted: set[_Queries] = set()

    def list_sets() -> Sequence[AnyKeySet]:
        return [*texts, *_list_all_key_sets(expected, sample, refuted)]

    if bound is not None:
        plan = None
        while plan is None or _refute_incomplete_sets(database, conditions, plan.sets, refuted):
            plan = _build_plan_up_to(bound, sample, list_sets(), order, descending=descending)
        _leave_out_missing_terms(conditions, sample, plan)
        yield plan
    chosen = None
    while chosen is None or _refute_incomplete_sets(database, conditions, chosen.sets, refuted):
        chosen = _choose_plan(database, conditions, sample, list_sets(), order, descending=descending)
    if chosen.sets:
        _leave_out_missing_terms(conditions, sample, chosen)
        yield chosen


def _list_text_sets(conditions: RunConditions, sample: _Sample) -> Sequence[KeySet]:
    """Return a list with the set of runs that contain the search text, or an empty list without a search text."""
    if conditions.text is None or conditions.text_query is None:
        return []
    is_indexed, found = conditions.text.is_indexed, _estimate_size(sample.text, sample.weight)
    visiting = _FIND_TEXT * found if is_indexed else _READ_TEXT * sample.newest
    return [KeySet((conditions.text_query,), sample.text, sample.text, visiting=visiting, is_text=True)]


def _leave_out_missing_terms(conditions: RunConditions, sample: _Sample, plan: KeyPlan) -> None:
    """Make the search of a plan for a text faster if very many runs contain it."""
    is_searched = any(isinstance(each, KeySet) and each.is_text for each in plan.sets)
    if is_searched and _estimate_size(sample.text, sample.weight) >= _MANY_TEXTS:
        conditions.leave_out_missing_terms()


def _refute_incomplete_sets(
    database: Database, conditions: RunConditions, chosen: Sequence[AnyKeySet], refuted: set[_Queries]
) -> bool:
    """Add the queries of incomplete sets, which omit runs with no value, to `refuted`; return whether any exist."""
    found = {
        each.queries
        for part in chosen
        for each in _iterate_parts(part)
        if each.counterpart and not _is_complete(database, conditions, each)
    }
    refuted |= found
    return bool(found)


def _iterate_parts(part: AnyKeySet) -> Iterator[KeySet]:
    if isinstance(part, KeySet):
        yield part
    else:
        for each in part.parts:
            yield from _iterate_parts(each)


def _is_complete(database: Database, conditions: RunConditions, part: KeySet) -> bool:
    """Return whether a set and its counterpart together contain every run.

    They do, if there are as many as there have ever been runs: values of deleted runs may be left, but none of others.
    """
    counts = " + ".join(f"(SELECT count(*) FROM ({each}) AS every)" for each in (*part.queries, *part.counterpart))  # noqa: S608
    row = database.row(
        f"SELECT {counts} AS valued, {database.dialect.next_run_key} AS next_key", **conditions.parameters
    )
    return row is not None and row["valued"] == row["next_key"] - 1


def _list_all_key_sets(
    expected: Sequence[RunSet], sample: _Sample, refuted: Collection[_Queries]
) -> Sequence[AnyKeySet]:
    return [found for each in expected for found in _list_key_sets(each, sample, refuted)]


def _read_sample(
    database: Database,
    conditions: RunConditions,
    order: OrderSql,
    expected: Sequence[RunSet],
    *,
    descending: bool,
    limit: int,
) -> _Sample:
    """Return a sample of the runs: which meet the conditions, which lie in each range, and their ranks in the order."""
    ((newest),) = database.column("SELECT max(run_key) FROM runs")
    keys = list_sample_keys(newest, _SAMPLE)
    options = [option for each in expected for option in list_range_sets(each)]
    visited = [[visited for visited, _ in each.visited] for each in options]
    several = [*visited, *(ranges for each in options for ranges in (each.ranges, each.counterpart))]
    ranges = list(dict.fromkeys(each for ranges in several for each in ranges))
    checks = [conditions.conditions_without_text, conditions.text_check or "TRUE", *map(_build_row_check, ranges)]
    columns = ", ".join(f"CASE WHEN {check} THEN 1 ELSE 0 END AS in_{number}" for number, check in enumerate(checks))
    ranks: list[_Rank | None] = []
    found = [0] * len(checks)
    of_newest = frozenset[Range]()
    for places, parameters in build_in_lists("key", sorted({*keys, newest})):
        rows = database.rows(
            f"SELECT runs.run_key AS run_key, {order.value_of_run} AS value, {columns}"  # noqa: S608
            f" FROM runs WHERE runs.run_key IN {places} ORDER BY runs.run_key",
            **parameters,
            **conditions.parameters,
            **order.parameters,
        )
        for row in rows:
            if row["run_key"] == newest:
                of_newest = frozenset(each for number, each in enumerate(ranges, 2) if row[f"in_{number}"])
                if newest not in keys:
                    continue
            for number in range(len(checks)):
                found[number] |= row[f"in_{number}"] << len(ranks)
            value = row["value"]
            ranks.append(None if value is None else (isinstance(value, str), value, row["run_key"]))
    in_ranges = dict(zip(ranges, found[2:], strict=True))
    costs = [_CHECK + _CHECK_VALUE * conditions.values_per_check] * 2
    if conditions.text is not None:
        cost = _CHECK_TEXT_SLOWLY if conditions.text.is_check_slow else _CHECK_TEXT
        costs = [costs[0] + cost, costs[0] if conditions.text.is_exact else costs[0] + cost]
    weight, matching = newest / len(keys), found[0] & found[1]
    needed = max(1, round(limit / weight))
    preceding = _mark_preceding_runs(ranks, matching, descending=descending, last=needed)
    return _Sample(weight, newest, ranks, matching, limit, needed, preceding, in_ranges, of_newest, found[1], *costs)


def _mark_preceding_runs(ranks: Sequence[_Rank | None], matching: int, *, descending: bool, last: int) -> int:
    """Return the runs that do not match and precede the `last`-th that does; all of them, if fewer match."""
    preceding = 0
    ordered = sorted((rank, number) for number, rank in enumerate(ranks) if rank is not None)
    for _, number in reversed(ordered) if descending else ordered:
        if not matching >> number & 1:
            preceding |= 1 << number
        elif last == 1:
            return preceding
        else:
            last -= 1
    return ((1 << len(ranks)) - 1) & ~matching


def _build_row_check(table_and_condition: Range) -> str:
    table, condition = table_and_condition
    if table == "runs":
        return f"({condition})"
    return f"EXISTS (SELECT 1 FROM {table} WHERE {table}.run_key = runs.run_key AND {condition})"  # noqa: S608


def _list_key_sets(expected: RunSet, sample: _Sample, refuted: Collection[_Queries]) -> Sequence[AnyKeySet]:
    """Return the sets of keys from which a run set can be read, except sets that have been found incomplete."""
    if isinstance(expected, Leaf):
        found = [_build_key_set(option, sample) for option in expected.options]
        return [each for each in found if each is not None and each.queries not in refuted]
    is_union = isinstance(expected, Union)
    parts = [
        min(_list_key_sets(each, sample, refuted), key=lambda part: _estimate_cost(part, sample.weight))
        for each in expected.parts
    ]
    sampled = 0 if is_union else sample.all_runs
    for each in parts:
        sampled = sampled | each.sampled if is_union else sampled & each.sampled
    combined = CombinedSet(parts, is_union, sampled)
    first = [each.options[0] for each in expected.parts if isinstance(each, Leaf)]
    if not is_union or len(first) < len(parts) or any(each.is_rest for each in first):
        return [combined]
    visited = tuple(each for option in first for each in option.visited)
    ranges = tuple(each for option in first for each in option.ranges)
    together = _build_key_set(RangeSet(ranges, visited=visited), sample)
    return [combined] if together is None else [combined, together]


def _build_key_set(option: RangeSet, sample: _Sample) -> KeySet | None:
    """Return the set of the keys in some ranges, or None if the sample shows that these ranges miss runs."""
    read, others = ([sample.in_ranges[each] for each in ranges] for ranges in (option.ranges, option.counterpart))
    found = reduce(or_, read, 0)
    if option.counterpart and (
        reduce(or_, others, found) != sample.all_runs
        or sample.of_newest.isdisjoint((*option.ranges, *option.counterpart))
    ):
        return None
    visiting = sample.weight * sum(cost * sample.in_ranges[each].bit_count() for each, cost in option.visited)
    visiting += _COUNT * sample.weight * sum(each.bit_count() for each in (*read, *others) if others)
    queries, counterpart = map(_build_queries, (option.ranges, option.counterpart))
    sampled = sample.all_runs & ~found if option.is_rest else found
    return KeySet(queries, sampled, found, option.is_rest, None, visiting, counterpart)


def _build_queries(ranges: Sequence[Range]) -> _Queries:
    return tuple(f"SELECT run_key FROM {table} WHERE {condition}" for table, condition in ranges)  # noqa: S608


def _choose_bound(sample: _Sample, *, descending: bool, needed: int) -> _Rank | None:
    """Return the rank of the `needed`-th matching run of the sample, or None if fewer runs match."""
    ranks = [rank for number, rank in enumerate(sample.ranks) if rank is not None and sample.matching >> number & 1]
    ranks.sort(reverse=descending)
    return ranks[needed - 1] if len(ranks) >= needed else None


def _build_plan_up_to(
    bound: _Rank, sample: _Sample, sets: Sequence[AnyKeySet], order: OrderSql, *, descending: bool
) -> KeyPlan:
    """Return the plan to find the runs up to a rank."""
    before = after = 0
    for number, rank in enumerate(sample.ranks):
        if rank is not None and (rank == bound or (rank < bound) != descending):
            before |= 1 << number
        elif rank is not None:
            after |= 1 << number
    if order == KEY_ORDER:
        keys = range(bound[2], sample.newest + 1) if descending else range(1, bound[2] + 1)
        _, chosen = _choose_sets(sets, sample, order, within=before)
        return KeyPlan(chosen, {}, is_bounded=True, keys=keys)
    is_tied = any(rank is not None and rank[1] == bound[1] and rank != bound for rank in sample.ranks)
    within, beyond = _build_bound_conditions(order, is_tied=is_tied, descending=descending)
    parameters = {**order.parameters, "bound_value": bound[1], "bound_key": bound[2]}
    parts = [
        KeySet((f"{order.query} AND {within}",), before, before, ordered_by=build_sort_terms(descending=descending)),
        KeySet((f"{order.query} AND {beyond}",), sample.all_runs & ~after, after, is_rest=True),
    ]
    _, chosen = _choose_sets(sets, sample, order, parts)
    return KeyPlan(chosen, parameters, any(each in parts for each in chosen))


def _choose_plan(
    database: Database,
    conditions: RunConditions,
    sample: _Sample,
    sets: Sequence[AnyKeySet],
    order: OrderSql,
    *,
    descending: bool,
) -> KeyPlan:
    """Return the plan to find all matching runs or, if cheaper, those with a sort value, then the newest others."""
    cost, chosen = _choose_sets(sets, sample, order)
    every = KeyPlan(chosen, {}, is_bounded=False)
    checked = _estimate_checks_of_newest(sample)
    if order.lacks_value is None or checked > _MAX_NEWEST:
        return every
    valued = sum(1 << number for number, rank in enumerate(sample.ranks) if rank is not None)
    of_valued = [
        KeySet((order.query,), valued, valued, ordered_by=by) for by in (None, build_sort_terms(descending=descending))
    ]
    less_cost, chosen = _choose_sets(sets, sample, order, of_valued)
    if not any(each in of_valued for each in chosen) or less_cost + checked * sample.check_cost / _NEIGHBOURS >= cost:
        return every
    following = _list_newest_without_value(database, conditions, order, sample.limit, checked)
    return every if len(following) < sample.limit else KeyPlan(chosen, {}, is_bounded=False, following=following)


def _estimate_checks_of_newest(sample: _Sample) -> int:
    """Return how many of the newest runs to check to find enough matching ones without a value."""
    lacking = sample.matching & sum(1 << number for number, rank in enumerate(sample.ranks) if rank is None)
    found = sample.all_runs.bit_count()
    # Bits are in the order of keys.
    newer = found - lacking.bit_length()
    return int(sample.weight * newer + _MARGIN * sample.limit * found / max(1, lacking.bit_count()))


def _list_newest_without_value(
    database: Database, conditions: RunConditions, order: OrderSql, limit: int, max_checked: int
) -> Sequence[int]:
    """Return up to `limit` keys of matching runs without a value, newest first, among the newest `max_checked` runs."""
    return database.column(
        "SELECT runs.run_key FROM (SELECT run_key FROM runs ORDER BY run_key DESC LIMIT :max_checked) AS newest"  # noqa: S608
        f" {database.dialect.ordered_join} runs ON runs.run_key = newest.run_key"
        f" WHERE {order.lacks_value} AND {conditions.scan_conditions} ORDER BY newest.run_key DESC LIMIT :limit",
        max_checked=max_checked,
        limit=limit,
        **conditions.parameters,
        **order.parameters,
    )


def _build_bound_conditions(order: OrderSql, *, is_tied: bool, descending: bool) -> tuple[str, str]:
    """Return two SQL conditions: that a run is at or before a bound in the sort order, and that it is after the bound.

    Unless many runs have the value, the first holds for all of these: a single comparison takes a sixth less time.
    """
    within, beyond = (">", "<") if descending else ("<", ">")
    if not is_tied:
        return f"{order.value} {within}= :bound_value", f"{order.value} {beyond} :bound_value"
    compared = "{value} {0}= :bound_value AND ({value} {0} :bound_value OR {tie} {1} :bound_key)"
    columns = {"value": order.value, "tie": order.tie}
    return compared.format(within, f"{within}=", **columns), compared.format(beyond, beyond, **columns)


def _choose_sets(
    sets: Sequence[AnyKeySet],
    sample: _Sample,
    order: OrderSql,
    bounds: Sequence[KeySet] = (),
    within: int | None = None,
) -> tuple[float, Sequence[AnyKeySet]]:
    """Return the sets to intersect, in the fastest order, with the estimated time in microseconds.

    Args:
        sets: those to choose from, of runs that may match.
        sample: tells how large the sets are.
        order: the sort order.
        bounds: further sets, of the runs up to a place in the order.
        within: if given, only these runs are searched.
    """
    weight = sample.weight
    with_value = _READ * weight * sum(rank is not None for rank in sample.ranks)
    best: tuple[float, tuple[AnyKeySet, ...]] = (float("inf"), ())
    cheapest = sorted([*bounds, *sets], key=lambda each: _estimate_cost(each, weight))[:_MAX_SETS]
    plans: list[tuple[float, int | None, tuple[AnyKeySet, ...]]] = [(0.0, within, ())]
    while plans:
        cost, left, chosen = plans.pop()
        is_ordered = bool(chosen) and isinstance(chosen[-1], KeySet) and chosen[-1].ordered_by is not None
        if left is not None:
            found = _estimate_size(left, weight)
            last = _estimate_cost_of_checks(chosen, bounds, left, sample)
            if not is_ordered and order != KEY_ORDER:
                last += min(_LOOK_UP * found, with_value)
            best = min(best, (cost + last, chosen), key=lambda plan: plan[0])
        if is_ordered or len(chosen) == _MAX_CHOSEN:
            continue
        for each in cheapest:
            more = cost + _estimate_cost(each, weight, left)
            if each not in chosen and more < best[0]:
                plans.append((more, each.sampled if left is None else left & each.sampled, (*chosen, each)))
    return best


def _estimate_cost_of_checks(
    chosen: Sequence[AnyKeySet], bounds: Sequence[KeySet], left: int, sample: _Sample
) -> float:
    """Return the estimated time in microseconds for checking runs of some sets, `left`, until the page is full."""
    has_text = any(isinstance(each, KeySet) and each.is_text for each in chosen)
    cost = sample.check_cost_of_found if has_text else sample.check_cost
    if not chosen:  # runs with consecutive keys
        cost /= _NEIGHBOURS
    preceding, matching = (left & sample.preceding).bit_count(), sample.matching.bit_count()
    if matching < sample.needed:
        return cost * sample.weight * preceding
    anywhere = reduce(and_, (each.sampled for each in chosen if each not in bounds), sample.all_runs)
    others_per_match = (anywhere & ~sample.matching).bit_count() / matching
    # If the order has more of the others first than chance would, all of these are checked.
    excess = max(0.0, preceding - _CHANCE * others_per_match * sample.needed)
    by_chance = min(others_per_match * sample.limit, sample.weight * (preceding + 1))
    return cost * (sample.weight * excess + by_chance)


def _estimate_cost(part: AnyKeySet, weight: float, left: int | None = None) -> float:
    """Return the estimated time in microseconds for reading a set, of which only the runs `left` are needed."""
    if isinstance(part, CombinedSet):
        cost = 0.0
        for each in part.parts:
            cost += _estimate_cost(each, weight, left)
            if not part.is_union:
                left = each.sampled if left is None else left & each.sampled
        return cost
    size = _estimate_size(part.read, weight)
    if left is None:
        return part.visiting + _READ * size
    return part.visiting + _SCAN * size + _READ * _estimate_size(part.read & left, weight)


def _estimate_size(sampled_runs: int, weight: float) -> float:
    """Return the estimated number of runs in a set; the bits of `sampled_runs` mark the sampled runs in it."""
    return max(sampled_runs.bit_count(), 0.5) * weight
