"""The keys of runs that match conditions, as sets, for pages that no single index answers.

If the runs that match a condition are at the far end of a sort order, as those with a small loss are where the highest
accuracy comes last, checking run after run along the order takes seconds. Reading the keys of an index takes a tenth
of a microsecond each, so the sets of keys are intersected: those of the conditions, and those of the order up to a
value that enough runs are known to precede.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.conditions import RunConditions
from mlrun_cli.store.runs.key_plans import KeyPlan, list_plans
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql

_FEW_KEYS = 60_000
"""The number of runs whose values are looked up in less time than reading along an index takes."""
_FIRST_CHUNK = 20_000
_CHECKED_TOGETHER = 100
"""The number of runs that a query checks: of more, those beyond the page would be checked in vain."""


def find_first_keys(
    database: Database, conditions: RunConditions, order: OrderSql, *, descending: bool, limit: int
) -> Sequence[int] | None:
    """Return the keys of the first `limit` runs of an order that meet all conditions; those without a value come last.

    None if too many runs meet each of the conditions.
    """
    found: Sequence[int] | None = None
    for plan in list_plans(database, conditions, order, descending=descending, limit=limit):
        ordered = _iterate_matching_keys(database, conditions, order, plan, descending=descending)
        found = list(islice(ordered, limit))
        if len(found) == limit or not plan.is_bounded:
            return found
    return None


def _read_keys(database: Database, conditions: RunConditions, plan: KeyPlan) -> Sequence[int]:
    """Return the keys that are in all sets of a plan, whose runs need not meet conditions without a set."""
    keys: Sequence[int] = ()
    condition = "1 = 1"
    parameters = {**conditions.parameters, **plan.parameters}
    for each in plan.sets:
        query = f"SELECT run_key FROM ({each.query}) AS found WHERE {condition}"  # noqa: S608 — our own words
        if each.ordered_by is None:
            # As a single text, keys are read in two thirds of the time that a row for each takes.
            joined = f"SELECT {database.dialect.build_integer_join('run_key')} FROM ({query}) AS few"  # noqa: S608
            (text,) = database.column(joined, **parameters)
            keys = json.loads(f"[{text or ''}]")
        else:
            keys = database.column(f"{query} ORDER BY {each.ordered_by}", **parameters)
        if each is not plan.sets[-1]:
            parameters["flags"] = _build_flags(keys)
            condition = database.dialect.build_flag_condition("flags", "run_key")
            condition = f"NOT ({condition})" if each.is_rest else condition
    return keys


def _build_flags(keys: Sequence[int]) -> bytes:
    """Return bytes, indexed by key, that are 1 for the given keys and 0 for others."""
    flags = bytearray(max(keys, default=0) + 1)
    for key in keys:
        flags[key] = 1
    return bytes(flags)


def _iterate_matching_keys(
    database: Database, conditions: RunConditions, order: OrderSql, plan: KeyPlan, *, descending: bool
) -> Iterator[int]:
    """Yield, in the sort order, the keys in all sets of a plan whose runs meet all conditions."""
    found = _read_keys(database, conditions, plan)
    if plan.sets[-1].ordered_by is not None:
        yield from _filter_keys(database, found, conditions)
        return
    keys = set(found)
    if order != KEY_ORDER:
        bounded = order._replace(parameters={**conditions.parameters, **order.parameters})
        read = _iterate_keys_by_value if len(keys) <= _FEW_KEYS else _iterate_keys_along_index
        yield from _filter_keys(database, read(database, keys, bounded, descending=descending), conditions)
        if plan.is_bounded:
            return
        descending = True
    yield from _filter_keys(database, sorted(keys, reverse=descending), conditions)


def _iterate_keys_by_value(database: Database, keys: set[int], order: OrderSql, *, descending: bool) -> Iterator[int]:
    """Yield the keys of runs that have a sort value, in the order of the values, and remove them from `keys`."""
    # Every text is greater than every number.
    valued: list[tuple[bool, object, int]] = []
    for places, parameters in build_in_lists("key", sorted(keys)):
        rows = database.rows(
            f"SELECT runs.run_key AS run_key, {order.value_of_run} AS value FROM runs WHERE runs.run_key IN {places}",  # noqa: S608
            **parameters,
            **order.parameters,
        )
        values = ((row["value"], row["run_key"]) for row in rows)
        valued.extend((isinstance(value, str), value, key) for value, key in values if value is not None)
    valued.sort(reverse=descending)
    keys.difference_update(key for _, _, key in valued)
    yield from (key for _, _, key in valued)


def _iterate_keys_along_index(
    database: Database, keys: set[int], order: OrderSql, *, descending: bool
) -> Iterator[int]:
    """Yield keys as `_iterate_keys_by_value` does, but by reading the sort order's index."""
    direction = "DESC" if descending else "ASC"
    offset, limit = 0, _FIRST_CHUNK
    while keys:
        read = database.column(
            f"SELECT {order.key} AS run_key FROM {order.table} WHERE {order.has_value}"  # noqa: S608 — our own words
            f" ORDER BY {order.value} {direction}, {order.tie} {direction} LIMIT :limit OFFSET :offset",
            limit=limit,
            offset=offset,
            **order.parameters,
        )
        found = [key for key in read if key in keys]
        keys.difference_update(found)
        yield from found
        if len(read) < limit:
            break
        offset, limit = offset + limit, 2 * limit


def _filter_keys(database: Database, keys: Iterable[int], conditions: RunConditions) -> Iterator[int]:
    """Yield the keys of the runs that meet all conditions, in the given order."""
    remaining = iter(keys)
    while batch := list(islice(remaining, _CHECKED_TOGETHER)):
        ((places, parameters),) = build_in_lists("key", batch)
        query = f"SELECT runs.run_key FROM runs WHERE runs.run_key IN {places} AND {conditions.scan_conditions}"  # noqa: S608
        found = frozenset(database.column(query, **parameters, **conditions.parameters))
        yield from (key for key in batch if key in found)
