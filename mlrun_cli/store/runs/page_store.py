"""Pages of runs from a large number of runs: the runs of a page, their total count, and values for filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.runs.run import Run
from mlrun_cli.store.db.database import Database, Row, build_in_list
from mlrun_cli.store.db.distinct_values import list_distinct_values
from mlrun_cli.store.runs.conditions import COLUMNS, RunConditions
from mlrun_cli.store.runs.key_sets import find_first_keys, sort_keys_by_value
from mlrun_cli.store.runs.orders import KEY_ORDER, OrderSql, build_order_sql
from mlrun_cli.store.runs.rows import TERMINAL
from mlrun_cli.store.runs.run_store import RunStore
from mlrun_cli.store.tag_keys import build_readable_tag_conditions

COUNTED = 10_000
"""The number beyond which runs are not counted."""
_COUNTED_IN_RANGES = 1000
"""This number for conditions on ranges of values and for short words, which are checked on each of very many runs."""
_FEW_TO_CHECK = 50_000
"""The number of runs of which each can be checked."""

_FEW = 20_000
"""The number of runs that are sorted in less time than reading along an index with more other runs takes."""
_FEW_TO_COUNT = 50_000
"""The number of runs that are counted in less time than checking more other runs takes."""
_FIRST_RUNS = 1000
"""The number of runs that are checked along an order, before the sets of keys of all conditions are read."""
_MAX_FIRST_RUNS = 5000
"""The number of runs up to which more are checked, if by the matches among these they are expected to suffice."""
_MAX_NEWEST_RUNS, _FEW_MATCHES = 20_000, 10
"""The same number in the order of keys, if there are so many matches: runs with consecutive keys are checked faster."""
_MARGIN = 1.2
"""How many times as many as expected are checked."""
_FIRST_SEARCHED = 150
"""This number if words are searched in the text of each run by the index, which takes a tenth of a millisecond."""
_FIRST_FOUND, _FIRST_FOUND_TO_CHECK = 20_000, 2000
"""The number of runs with a text that are checked before the other sets of keys are read; the same if the texts are
checked, too."""
_SAMPLE = 2000
"""The number of the newest runs from which it is estimated whether very many runs match a filter."""
_ValueAndKey: TypeAlias = tuple[Any, int]
"""The value that a run is sorted by, and its key."""

_MAX_INTEGER = 2**63 - 1
_MICROSECONDS_IN_MILLISECOND = 1000

_PAIR_TABLES = {"tag": "run_tags", "property": "run_properties"}


class RunPageStore:
    """Reads runs page by page, with a cost that depends on the size of the result, not on the number of runs."""

    def __init__(self, database: Database, runs: RunStore) -> None:
        self._database = database
        self._runs = runs

    def list_page(
        self, run_filter: RunFilter, order: RunOrder = NEWEST_FIRST, *, limit: int, offset: int = 0
    ) -> Sequence[Run]:
        """Return up to `limit` runs that match a filter, after the first `offset`, in the given order."""
        return self._runs.list_by_keys(self._find_keys(run_filter, order, limit, offset))

    def list_newest_runs(self, run_filter: RunFilter, limit: int) -> Sequence[Run]:
        """Return the newest `limit` runs that match a filter, newest first."""
        return self._runs.list_by_keys(self._find_keys_in_key_order(run_filter, True, limit, 0))

    def list_last_started_runs(
        self, experiment_keys: Sequence[int], limit: int, before: int | None = None
    ) -> tuple[Sequence[Run], int | None]:
        """Return the runs of experiments that were started last, and `before` for the next page, None for no next page.

        Runs that have not been started count as started when they were created. A page has about `limit` runs: all of
        those in its last millisecond, in which MLflow's clients order them by their ids.
        """
        before = _MAX_INTEGER if before is None else before
        rows = self._list_keys_by_start(experiment_keys, 0, before, limit)
        following = None
        if len(rows) >= limit:
            start: int = sorted((row["start"] for row in rows), reverse=True)[limit - 1]
            following = start - start % _MICROSECONDS_IN_MILLISECOND
            rows = self._list_keys_by_start(experiment_keys, following, before, _MAX_INTEGER)
        return self._runs.list_by_keys([row["run_key"] for row in rows]), following

    def _list_keys_by_start(self, experiment_keys: Sequence[int], start: int, before: int, limit: int) -> Sequence[Row]:
        """Return keys and starts of up to `limit` started runs and as many others, in a period."""
        # So the index of starts is read, of which a page of very many runs needs a small part.
        where = f"coalesce(experiment_key, 0) IN ({', '.join(map(str, experiment_keys))})"
        started = (
            "SELECT run_key, started_at AS start FROM runs WHERE started_at >= :start AND started_at < :before"  # noqa: S608 - numbers
            f" AND {where} ORDER BY started_at DESC LIMIT :limit"
        )
        others = (
            "SELECT run_key, created_at AS start FROM runs WHERE started_at IS NULL"  # noqa: S608
            f" AND coalesce(created_at, 0) >= :start AND coalesce(created_at, 0) < :before AND {where}"
            " ORDER BY coalesce(created_at, 0) DESC LIMIT :limit"
        )
        bounds = {"start": start, "before": before, "limit": limit}
        return [*self._database.rows(started, **bounds), *self._database.rows(others, **bounds)]

    def find_recent_child(self, run_filter: RunFilter) -> Run | None:
        """Return the newest matching run among the most recent child runs, or None if none of them matches."""
        conditions = RunConditions(self._database, run_filter._replace(include_children=True))
        found = self._database.column(
            "SELECT runs.run_key FROM (SELECT run_key FROM runs WHERE parent_key IS NOT NULL"  # noqa: S608
            f" ORDER BY run_key DESC LIMIT {_FIRST_RUNS}) AS children"
            f" {self._database.dialect.ordered_join} runs ON runs.run_key = children.run_key"
            f" WHERE {conditions.scan_conditions} ORDER BY children.run_key DESC LIMIT 1",
            **conditions.parameters,
        )
        return next(iter(self._runs.list_by_keys(found)), None)

    def get_count_limit(self, run_filter: RunFilter) -> int:
        """Return the number up to which the runs that match a filter are counted."""
        has_short_words = bool(self._database.dialect.list_unindexed_words(run_filter.text or ""))
        if not has_short_words and not _has_ranges(run_filter):
            return COUNTED
        return _COUNTED_IN_RANGES if self._has_many_runs() else COUNTED

    def count(self, run_filter: RunFilter, limit: int = COUNTED + 1) -> int:
        """Return the number of runs that match a filter, counting up to `limit`."""
        conditions = RunConditions(self._database, run_filter, None if self._has_many_runs() else _FEW_TO_COUNT)
        if conditions.has_unselective_conditions or conditions.text is not None:
            keys = self._find_keys_by_sets(conditions, KEY_ORDER, True, limit, 0)
            if keys is not None:
                return len(keys)
        source, where = self._choose_source(conditions)
        if conditions.text is not None:
            source, where = self._build_join_with_texts(conditions)
        elif run_filter.has_time_bounds and conditions.top_level_lookup is None:
            where = conditions.scan_conditions
        row = self._database.row(
            f"SELECT count(*) AS found FROM (SELECT 1 FROM {source} WHERE {where} LIMIT :at_most) AS few",  # noqa: S608
            at_most=limit,
            **conditions.parameters,
        )
        assert row is not None
        return int(row["found"])

    def count_active_runs(self, run_filter: RunFilter) -> int:
        """Return the number of active runs that match a filter."""
        conditions = RunConditions(self._database, run_filter)
        row = self._database.row(
            # No index has this column: a covering index would be read entirely, instead of the index of live runs.
            "SELECT count(runs.run_uuid) AS found FROM runs"  # noqa: S608
            f" WHERE runs.status NOT IN ({TERMINAL}) AND {conditions.scan_conditions}",
            **conditions.parameters,
        )
        assert row is not None
        return int(row["found"])

    def list_property_keys(self, limit: int) -> Sequence[str]:
        """Return the first `limit` keys of all properties, in alphabetical order."""
        return list_distinct_values(self._database, "run_properties", "key", limit)

    def list_tag_keys(self, limit: int) -> Sequence[str]:
        """Return the first `limit` tag keys in alphabetical order, except keys of documents of sweeps and MLflow.

        Those in which sweeps and MLflow keep documents are left out.
        """
        conditions, parameters = build_readable_tag_conditions()
        return list_distinct_values(self._database, "run_tags", "key", limit, conditions, parameters)

    def list_values(self, word: str, limit: int = 500) -> Sequence[str]:
        """Return the first `limit` distinct values in the column of a filter word, in alphabetical order.

        Args:
            word: the filter's word, which has a column of texts.
            limit: the maximum number of results.
        """
        return list_distinct_values(self._database, "runs", COLUMNS[word], limit)

    def list_keys_with_children(self, keys: Sequence[int]) -> frozenset[int]:
        """Return the keys of the given runs, a few thousand at most, that have children."""
        places, parameters = build_in_list("run", list(keys))
        rows = self._database.rows(
            f"SELECT run_key FROM runs WHERE run_key IN {places}"  # noqa: S608 — our own words
            " AND EXISTS (SELECT 1 FROM runs AS children WHERE children.parent_key = runs.run_key)",
            **parameters,
        )
        return frozenset(row["run_key"] for row in rows)

    def get_newest_change_key(self) -> int:
        """Return the key of the newest status change, or 0 if there is none."""
        row = self._database.row("SELECT coalesce(max(change_key), 0) AS newest FROM status_changes")
        assert row is not None
        return int(row["newest"])

    def _find_keys(self, run_filter: RunFilter, order: RunOrder, limit: int, offset: int) -> Sequence[int]:
        if _is_key_order(run_filter, order):
            return self._find_keys_in_key_order(run_filter, order.descending, limit, offset)
        sql = build_order_sql(order, self._database.dialect, has_numbers=self._is_sorted_numerically(order))
        conditions = RunConditions(self._database, run_filter, None if self._has_many_runs() else _FEW + 1)
        bounds = conditions.list_bound_conditions(order.column)
        bounded = sql
        if bounds:
            bounded = sql._replace(has_value=" AND ".join([sql.has_value, *bounds]), lacks_value=None)
        if sql.is_moving is None:
            found = self._find_keys_by_sets(conditions, bounded, order.descending, limit, offset)
        else:
            found = self._find_keys_of_growing_values_by_sets(conditions, sql, bounded, order.descending, limit, offset)
        if found is not None:
            return found
        if self._has_few_matches(conditions, run_filter):
            return self._sort_matching_keys(conditions, sql, order.descending, limit, offset)
        return self._read_page_by_index(conditions, bounded, order.descending, limit, offset)

    def _find_keys_in_key_order(
        self, run_filter: RunFilter, descending: bool, limit: int, offset: int
    ) -> Sequence[int]:
        conditions = RunConditions(self._database, run_filter)
        if conditions.has_unselective_conditions or conditions.text is not None:
            found = self._find_keys_by_sets(conditions, KEY_ORDER, descending, limit, offset)
            if found is not None:
                return found
        source, where = "runs", conditions.indexed_conditions
        if conditions.text is not None:
            source, where = self._build_join_with_texts(conditions)
        tie = "runs.run_key" if conditions.text is None else self._database.dialect.text_key
        return _get_keys(
            self._select_keys_and_values(source, where, (tie,), descending, limit, offset, conditions.parameters)
        )

    def _find_keys_of_growing_values_by_sets(
        self,
        conditions: RunConditions,
        order: OrderSql,
        bounded: OrderSql,
        descending: bool,
        limit: int,
        offset: int,
    ) -> Sequence[int] | None:
        """Find run keys like `_find_keys_by_sets`, for an order by a value that grows with time for live runs."""
        moving = self._list_values_of_live_runs(conditions, order, {**conditions.parameters, **order.parameters})
        beyond = offset + limit
        settled = bounded._replace(value_of_run=order.value, is_moving=None)
        found = self._find_keys_by_sets(conditions, settled, descending, beyond + len(moving), 0)
        if found is None:
            return None
        keys = {*found, *_get_keys(moving)}
        valued = sort_keys_by_value(self._database, keys, order, conditions, descending=descending)
        return [*valued, *sorted(keys.difference(valued), reverse=True)][offset:beyond]

    def _find_keys_by_sets(
        self, conditions: RunConditions, order: OrderSql, descending: bool, limit: int, offset: int
    ) -> Sequence[int] | None:
        """Find run keys by intersecting the keys that meet each condition; return None if another way is faster.

        It is not, if few runs meet one of the conditions, or if the first runs of the order already fill the page.
        """
        if conditions.has_rare_conditions or not self._has_many_runs():
            return None
        is_searched = conditions.text is not None
        is_found_in_order = conditions.text is not None and conditions.text.is_indexed and order == KEY_ORDER
        if not conditions.list_run_sets() and (not is_searched or is_found_in_order):
            return None
        if is_found_in_order:
            first = self._list_first_found_keys(conditions, descending, offset + limit)
        else:
            is_slow = conditions.text is not None and conditions.text.is_check_slow
            among = _FIRST_SEARCHED if is_slow else _FIRST_RUNS
            first = self._list_first_matching_keys(conditions, order, descending, offset + limit, among)
            expected = int(_MARGIN * among * (offset + limit) / max(1, len(first)))
            most = _MAX_NEWEST_RUNS if order == KEY_ORDER and len(first) >= _FEW_MATCHES else _MAX_FIRST_RUNS
            if len(first) < offset + limit and expected <= most:
                first = self._list_first_matching_keys(conditions, order, descending, offset + limit, expected)
        if len(first) == offset + limit:
            return first[offset:]
        keys = find_first_keys(self._database, conditions, order, descending=descending, limit=offset + limit)
        return None if keys is None else keys[offset:]

    def _list_first_matching_keys(
        self, conditions: RunConditions, order: OrderSql, descending: bool, limit: int, max_checked: int
    ) -> Sequence[int]:
        """Return up to `limit` keys of matching runs, checking only the first `max_checked` runs of an order."""
        direction = "DESC" if descending else "ASC"
        return self._database.column(
            f"SELECT runs.run_key FROM (SELECT {order.key} AS run_key, {order.value} AS value, {order.tie} AS tie"  # noqa: S608
            f" FROM {order.table} WHERE {order.has_value}"
            f" ORDER BY {order.value} {direction}, {order.tie} {direction} LIMIT :max_checked) AS first_runs"
            f" {self._database.dialect.ordered_join} runs ON runs.run_key = first_runs.run_key"
            f" WHERE {conditions.scan_conditions}"
            f" ORDER BY first_runs.value {direction}, first_runs.tie {direction} LIMIT :limit",
            max_checked=max_checked,
            limit=limit,
            **conditions.parameters,
            **order.parameters,
        )

    def _list_first_found_keys(self, conditions: RunConditions, descending: bool, limit: int) -> Sequence[int]:
        """Return up to `limit` keys of matching runs among the first runs that the text index finds, in key order."""
        is_exact = conditions.text is not None and conditions.text.is_exact
        among = _FIRST_FOUND if is_exact else _FIRST_FOUND_TO_CHECK
        direction = "DESC" if descending else "ASC"
        return self._database.column(
            f"SELECT runs.run_key FROM ({conditions.text_query} ORDER BY {self._database.dialect.text_key} {direction}"  # noqa: S608
            f" LIMIT {among}) AS first_runs"
            f" {self._database.dialect.ordered_join} runs ON runs.run_key = first_runs.run_key"
            f" WHERE {conditions.text_match_conditions} ORDER BY first_runs.run_key {direction} LIMIT :limit",
            limit=limit,
            **conditions.parameters,
        )

    def _is_sorted_numerically(self, order: RunOrder) -> bool:
        """Return whether a sort order is numeric; False only for a tag or property without numeric values."""
        kind, _, key = order.column.partition(":")
        table = _PAIR_TABLES.get(kind)
        if table is None:
            return True
        # Every text is greater than every number.
        row = self._database.row(f"SELECT 1 FROM {table} WHERE key = :key AND sort_value < '' LIMIT 1", key=key)  # noqa: S608
        return row is not None

    def _has_many_runs(self) -> bool:
        row = self._database.row("SELECT max(run_key) AS newest FROM runs")
        return row is not None and (row["newest"] or 0) > _FEW_TO_CHECK

    def _choose_source(self, conditions: RunConditions) -> tuple[str, str]:
        """Return the FROM and WHERE clauses of a query for matching runs in no particular order."""
        at_top = conditions.top_level_lookup
        if at_top is None:
            return "runs", conditions.indexed_conditions
        return f"runs {self._database.dialect.build_index_hint('runs_at_top_of_all')}", at_top

    def _has_few_matches(self, conditions: RunConditions, run_filter: RunFilter) -> bool:
        """Return whether at most `_FEW` runs match, counting them only if an estimate does not suffice."""
        if conditions.most_matches is not None and conditions.most_matches <= _FEW:
            return True
        return not self._has_many_matches(conditions) and self.count(run_filter, _FEW + 1) <= _FEW

    def _has_many_matches(self, conditions: RunConditions) -> bool:
        """Estimate from the newest runs whether far more than `_FEW` runs match; return False if uncertain.

        Counting up to `_FEW` takes long when conditions are checked on each run.
        """
        if conditions.text is not None:
            return False
        newest = "(SELECT max(run_key) FROM runs)"
        row = self._database.row(
            f"SELECT count(*) AS found, {newest} AS newest FROM runs"  # noqa: S608
            f" WHERE runs.run_key > {newest} - {_SAMPLE} AND {conditions.scan_conditions}",
            **conditions.parameters,
        )
        return row is not None and bool(row["found"] * (row["newest"] or 0) > 2 * _FEW * _SAMPLE)

    def _sort_matching_keys(
        self, conditions: RunConditions, order: OrderSql, descending: bool, limit: int, offset: int
    ) -> Sequence[int]:
        direction = "DESC" if descending else "ASC"
        source, where = self._choose_source(conditions)
        rows = self._database.rows(
            f"SELECT run_key FROM (SELECT runs.run_key AS run_key, {order.value_of_run} AS value FROM {source}"  # noqa: S608
            # The limit makes the database do this first, in no particular order.
            f" WHERE {where} LIMIT {_FEW + 1}) AS few"
            f" ORDER BY value IS NULL, value {direction}, CASE WHEN value IS NULL THEN -run_key END,"
            f" run_key {direction} LIMIT :limit OFFSET :offset",
            limit=limit,
            offset=offset,
            **conditions.parameters,
            **order.parameters,
        )
        return [row["run_key"] for row in rows]

    def _read_page_by_index(
        self, conditions: RunConditions, order: OrderSql, descending: bool, limit: int, offset: int
    ) -> Sequence[int]:
        """Return a page of run keys in index order, with live runs merged in and runs without a value last."""
        parameters = {**conditions.parameters, **order.parameters}
        valued = f"{order.has_value} AND {conditions.scan_conditions}"
        by = (order.value, order.tie)
        moving = self._list_values_of_live_runs(conditions, order, parameters)
        if moving:
            # Wherever these are merged in, none of the skipped runs belongs on the page.
            passed = max(0, offset - len(moving))
            settled = self._select_keys_and_values(
                order.source, valued, by, descending, limit + len(moving), passed, parameters
            )
            merged = sorted([*moving, *settled], reverse=descending)
            keys = _get_keys(merged[offset - passed : offset - passed + limit])
        else:
            keys = _get_keys(
                self._select_keys_and_values(order.source, valued, by, descending, limit, offset, parameters)
            )
        if len(keys) == limit or order.lacks_value is None:
            return keys
        passed = len(keys) + offset
        if not keys and offset:
            row = self._database.row(f"SELECT count(*) AS found FROM {order.source} WHERE {valued}", **parameters)  # noqa: S608
            passed = len(moving) + (0 if row is None else row["found"])
        where = conditions.scan_conditions if order.is_lack_indexed else conditions.indexed_conditions
        lacking = f"{order.lacks_value} AND {where}"
        missing = limit - len(keys)
        beyond = max(0, offset - passed)
        others = self._select_keys_and_values("runs", lacking, ("runs.run_key",), True, missing, beyond, parameters)
        return [*keys, *_get_keys(others)]

    def _list_values_of_live_runs(
        self, conditions: RunConditions, order: OrderSql, parameters: dict[str, object]
    ) -> list[_ValueAndKey]:
        """Return the time-dependent sort values of live runs, such as durations, with the keys of the runs."""
        if order.is_moving is None:
            return []
        rows = self._database.rows(
            f"SELECT {order.moving_value} AS value, runs.run_key AS run_key FROM runs"  # noqa: S608
            f" WHERE {order.is_moving} AND {conditions.scan_conditions}",
            **parameters,
        )
        return _build_value_key_pairs(rows)

    def _select_keys_and_values(
        self,
        source: str,
        condition: str,
        order_by: Sequence[str],
        descending: bool,
        limit: int,
        offset: int,
        parameters: dict[str, object],
    ) -> list[_ValueAndKey]:
        order = ", ".join(f"{term} {'DESC' if descending else 'ASC'}" for term in order_by)
        rows = self._database.rows(
            f"SELECT runs.run_key AS run_key, {order_by[0]} AS value FROM {source} WHERE {condition}"  # noqa: S608
            f" ORDER BY {order} LIMIT :limit OFFSET :offset",
            limit=limit,
            offset=offset,
            **parameters,
        )
        return _build_value_key_pairs(rows)

    def _build_join_with_texts(self, conditions: RunConditions) -> tuple[str, str]:
        """Return the FROM and WHERE clauses of a query for runs, joined in key order with their searchable texts."""
        dialect = self._database.dialect
        source = f"run_texts {dialect.ordered_join} runs ON runs.run_key = {dialect.text_key}"
        return source, conditions.joined_conditions


def _build_value_key_pairs(rows: Iterable[Row]) -> list[_ValueAndKey]:
    return [(row["value"], row["run_key"]) for row in rows]


def _get_keys(values_and_keys: Iterable[_ValueAndKey]) -> list[int]:
    return [key for _, key in values_and_keys]


def _has_ranges(run_filter: RunFilter) -> bool:
    """Return whether a filter compares a value other than by equality, membership or existence."""
    if any(each.operator != "=" for each in run_filter.metrics) or any(
        each.operator != "=" for each in run_filter.parameters
    ):
        return True
    if run_filter.where is None:
        return False
    from mlrun_cli.runs.where.condition import EXISTS, IN, iterate_predicates  # noqa: PLC0415 - start-up

    return any(each.operator not in {"=", IN, EXISTS} for each in iterate_predicates(run_filter.where))


def _is_key_order(run_filter: RunFilter, order: RunOrder) -> bool:
    """Return whether a sort order is the order of the runs' keys, which increase with time.

    Within time bounds, it is False for `created`, because reading along the index of times is faster.
    """
    if order.column == "created":
        return not run_filter.has_time_bounds
    return order.column == "run_number" and run_filter.experiment_name is not None
