"""The keys of runs that match conditions, as sets, for pages that no single index answers.

If the runs that match a condition are at the far end of a sort order, as those with a small loss are where the highest
accuracy comes last, checking run after run along the order takes seconds. Reading the keys of an index takes a tenth
of a microsecond each, so the sets of keys are intersected: those of the conditions, and those of the order up to a
value that enough runs are known to precede.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, compress, islice
from typing import Any

from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.conditions import RunConditions
from mlrun_cli.store.runs.key_plans import AnyKeySet, KeyPlan, KeySet, iterate_plans
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql, build_sort_terms

_FEW_KEYS = 15_000
"""The number of runs whose values are looked up in less time than reading along an index takes."""
_CHUNK = 32_768
"""The number of digits and commas that are read together."""
_SPARSE = 0.05
"""The part of flags up to which those that are 1 are found faster by a search for each."""
_CHECKED_TOGETHER = 100
"""The number of runs that a query checks: of more, those beyond the page would be checked in vain."""


def find_first_keys(
    database: Database, conditions: RunConditions, order: OrderSql, *, descending: bool, limit: int
) -> Sequence[int] | None:
    """Return the keys of the first `limit` matching runs, in sort order with those without a value last, or None.

    None if nothing but checks of each run can tell these.
    """
    found: Sequence[int] | None = None
    for plan in iterate_plans(database, conditions, order, descending=descending, limit=limit):
        ordered = _iterate_matching_keys(database, conditions, order, plan, descending=descending)
        found = list(islice(chain(ordered, plan.following), limit))
        if len(found) == limit or not plan.is_bounded:
            return found
    return None


def sort_keys_by_value(
    database: Database, keys: Iterable[int], order: OrderSql, conditions: RunConditions, *, descending: bool
) -> Sequence[int]:
    """Return those of the given keys whose runs have a sort value, in the order of the values."""
    # Every text is greater than every number.
    valued: list[tuple[bool, object, int]] = []
    for places, parameters in build_in_lists("key", sorted(keys)):
        rows = database.rows(
            order.build_query_by_key(places),
            **parameters,
            **conditions.parameters,
            **order.parameters,
        )
        values = ((row["value"], row["run_key"]) for row in rows)
        valued.extend((isinstance(value, str), value, key) for value, key in values if value is not None)
    valued.sort(reverse=descending)
    return [key for _, _, key in valued]


class _KeyReader:
    """Reads sets of keys.

    A set is also kept as flags: bytes, indexed by key, that are 1 for the keys in the set and 0 for others.
    """

    def __init__(self, database: Database, parameters: Mapping[str, object]) -> None:
        self._database = database
        self._parameters = parameters
        ((newest),) = database.column("SELECT max(run_key) FROM runs")
        self._size = (newest or 0) + 1

    def read_plan(self, plan: KeyPlan) -> Sequence[int]:
        """Return the keys that are in all sets of a plan."""
        flags = None
        if plan.keys is not None:
            if not plan.sets:
                return plan.keys
            flags = bytearray(self._size)
            flags[plan.keys.start : plan.keys.stop] = b"\1" * len(plan.keys)
        for each in plan.sets:
            if flags is not None and 1 not in flags:
                return []
            if each is plan.sets[-1] and isinstance(each, KeySet) and not each.is_rest:
                if each.ordered_by is not None:
                    return self.read_ordered_keys(each.queries[0], flags, each.ordered_by)
                keys = [*chain.from_iterable(self._iterate_keys(each, flags))]
                return list(set(keys)) if len(each.queries) > 1 else keys
            flags = self._read_flags(each, flags)
        return list(_iterate_flagged_keys(flags or bytearray()))

    def read_ordered_keys(self, query: str, flags: bytearray | None, ordered_by: str) -> Sequence[int]:
        """Return the keys that a query finds, in order; if `flags` is given, only the flagged ones."""
        return self._read_column("run_key", query, flags, f" ORDER BY {ordered_by}")

    def _iterate_keys(self, part: KeySet, flags: bytearray | None) -> Iterator[Sequence[int]]:
        """Yield the keys that the queries of a set find, in lists; if `flags` is given, only the flagged ones."""
        joined = self._database.dialect.build_integer_concatenation("run_key")
        for query in part.queries:
            # As a single text, keys are read in two thirds of the time that a row for each takes.
            (text,) = self._read_column(joined, query, flags)
            yield from _iterate_integers(text or "")

    def _read_column(self, column: str, query: str, flags: bytearray | None, ending: str = "") -> Sequence[Any]:
        condition, parameters = "1 = 1", dict(self._parameters)
        if flags is not None:
            condition = self._database.dialect.build_flag_condition("flags", "run_key")
            parameters["flags"] = flags
        return self._database.column(f"SELECT {column} FROM ({query}) AS found WHERE {condition}{ending}", **parameters)  # noqa: S608

    def build_flags(self, keys: Sequence[int]) -> bytearray:
        """Return flags that are 1 for the given keys and 0 for all others."""
        flags = bytearray(self._size)
        _set_flags(flags, keys, 1)
        return flags

    def _read_flags(self, part: AnyKeySet, within: bytearray | None) -> bytearray:
        """Return the flags of the keys in a set; if `within` is given, only of keys that are also flagged there.

        Where few are left of an intersection, its other parts take longer than the check of these.
        """
        if isinstance(part, KeySet):
            found = bytearray(self._size)
            if part.is_rest:
                found = bytearray(b"\1" * self._size if within is None else within)
            for keys in self._iterate_keys(part, within):
                _set_flags(found, keys, 0 if part.is_rest else 1)
            return found
        if part.is_union:
            return self._read_union(part.parts, within)
        for each in part.parts:
            if within is not None and within.count(1) <= _CHECKED_TOGETHER:
                break
            within = self._read_flags(each, within)
        return bytearray(self._size) if within is None else within

    def _read_union(self, parts: Sequence[AnyKeySet], within: bytearray | None) -> bytearray:
        union = bytearray(self._size)
        for each in parts:
            if isinstance(each, KeySet) and not each.is_rest:
                for keys in self._iterate_keys(each, within):
                    _set_flags(union, keys, 1)
            else:
                both = int.from_bytes(union, "little") | int.from_bytes(self._read_flags(each, within), "little")
                union = bytearray(both.to_bytes(self._size, "little"))
        return union


def _iterate_integers(text: str) -> Iterator[Sequence[int]]:
    """Yield the integers of a text with commas between them, in lists that are short enough for a processor's cache."""
    start = 0
    while start < len(text):
        end = text.find(",", start + _CHUNK)
        end = len(text) if end == -1 else end
        yield json.loads(f"[{text[start:end]}]")
        start = end + 1


def _iterate_flagged_keys(flags: bytearray) -> Iterator[int]:
    if flags.count(1) > len(flags) * _SPARSE:
        yield from compress(range(len(flags)), flags)
        return
    key = flags.find(1)
    while key != -1:
        yield key
        key = flags.find(1, key + 1)


def _set_flags(flags: bytearray, keys: Sequence[int], flag: int) -> None:
    try:
        for key in keys:
            flags[key] = flag
    except IndexError:  # a value of a run that is newer, or deleted
        for key in keys:
            if key < len(flags):
                flags[key] = flag


def _iterate_matching_keys(
    database: Database,
    conditions: RunConditions,
    order: OrderSql,
    plan: KeyPlan,
    *,
    descending: bool,
) -> Iterator[int]:
    """Yield, in sort order, the keys of the runs that are in every set of a plan and meet all conditions."""
    reader = _KeyReader(database, {**conditions.parameters, **order.parameters, **plan.parameters})
    found = reader.read_plan(plan)
    has_text = any(isinstance(each, KeySet) and each.is_text for each in plan.sets)
    checked = conditions.text_match_conditions if has_text else conditions.scan_conditions
    filter_keys = partial(_filter_keys, database, conditions.parameters, checked)
    if plan.sets and isinstance(plan.sets[-1], KeySet) and plan.sets[-1].ordered_by is not None:
        yield from filter_keys(found)
        return
    if order != KEY_ORDER:
        if len(found) <= _FEW_KEYS:
            valued = sort_keys_by_value(database, found, order, conditions, descending=descending)
        else:
            valued = _sort_keys_along_index(reader, found, order, descending=descending)
        yield from filter_keys(valued)
        if plan.is_bounded:
            return
        found = list(set(found).difference(valued))
        descending = True
    yield from filter_keys(sorted(found, reverse=descending))


def _sort_keys_along_index(
    reader: _KeyReader, keys: Sequence[int], order: OrderSql, *, descending: bool
) -> Sequence[int]:
    """Return keys as `sort_keys_by_value` does, but by reading the sort order's index."""
    return reader.read_ordered_keys(order.query, reader.build_flags(keys), build_sort_terms(descending=descending))


def _filter_keys(
    database: Database, parameters: Mapping[str, object], condition: str, keys: Iterable[int]
) -> Iterator[int]:
    """Yield the keys of the runs that meet a condition, in the given order."""
    remaining = iter(keys)
    while batch := list(islice(remaining, _CHECKED_TOGETHER)):
        ((places, listed),) = build_in_lists("key", batch)
        query = f"SELECT runs.run_key FROM runs WHERE runs.run_key IN {places} AND {condition}"  # noqa: S608
        found = frozenset(database.column(query, **listed, **parameters))
        yield from (key for key in batch if key in found)
