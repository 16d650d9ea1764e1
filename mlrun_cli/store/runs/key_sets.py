"""The keys of runs that match conditions, as sets, for pages that no single index answers.

If the runs that match a condition are at the far end of a sort order, as those with a small loss are where the highest
accuracy comes last, checking run after run along the order takes seconds. Reading the keys of an index takes a fraction
of a microsecond each, so the sets of the conditions' keys are intersected, and the order's keys are looked up there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.conditions import RunConditions
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql

_MOST_KEYS = 1_000_000
"""The number of keys above which those of a condition are not read."""
_FEW_KEYS = 60_000
"""The number of runs whose values are looked up in less time than reading along an index takes."""
_FIRST_CHUNK = 20_000
_WORTH_READING = 10
"""Up to this many keys, of which each is a run that would otherwise be checked, are read at the price of a check."""


class _Range(NamedTuple):
    """The number of runs that meet a condition, and the query for their keys."""

    key_count: int
    query: str


def find_matching_keys(database: Database, conditions: RunConditions) -> set[int] | None:
    """Return the keys of runs that meet the rarest of the indexed conditions; the other conditions are not checked.

    None if all conditions are met by too many runs.
    """
    keys: set[int] | None = None
    for each in sorted(_list_ranges(database, conditions)):
        if keys is not None and each.key_count > _WORTH_READING * len(keys):
            break
        found = database.column(each.query, **conditions.parameters)
        keys = set(found) if keys is None else keys.intersection(found)
    return keys


def list_keys_in_order(
    database: Database, keys: set[int], conditions: RunConditions, order: OrderSql, *, descending: bool
) -> Iterator[int]:
    """Yield those of the given keys whose runs meet all conditions, in a sort order; runs without a value come last.

    The set is used up.
    """
    if order != KEY_ORDER:
        bounded = order._replace(parameters={**conditions.parameters, **order.parameters})
        read = _read_values if len(keys) <= _FEW_KEYS else _read_along_index
        yield from _check_keys(database, read(database, keys, bounded, descending=descending), conditions)
        descending = True
    yield from _check_keys(database, sorted(keys, reverse=descending), conditions)


def _read_values(database: Database, keys: set[int], order: OrderSql, *, descending: bool) -> Iterator[int]:
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


def _read_along_index(database: Database, keys: set[int], order: OrderSql, *, descending: bool) -> Iterator[int]:
    """Yield keys as `_read_values` does, but by reading the sort order's index."""
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


def _list_ranges(database: Database, conditions: RunConditions) -> Iterator[_Range]:
    for ranges in conditions.list_ranges():
        query = " UNION ALL ".join(f"SELECT run_key FROM {table} WHERE {condition}" for table, condition in ranges)  # noqa: S608
        counted = f"SELECT count(*) AS found FROM ({query} LIMIT {_MOST_KEYS + 1}) AS few"  # noqa: S608
        (count,) = database.column(counted, **conditions.parameters)
        if count <= _MOST_KEYS:
            yield _Range(count, query)


def _check_keys(database: Database, keys: Iterable[int], conditions: RunConditions) -> Iterator[int]:
    """Yield the keys of the runs that meet all conditions, in the given order."""
    remaining = iter(keys)
    while batch := list(islice(remaining, 500)):
        ((places, parameters),) = build_in_lists("key", batch)
        query = f"SELECT runs.run_key FROM runs WHERE runs.run_key IN {places} AND {conditions.scan_conditions}"  # noqa: S608
        found = frozenset(database.column(query, **parameters, **conditions.parameters))
        yield from (key for key in batch if key in found)
