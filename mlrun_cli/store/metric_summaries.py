"""Summaries of metrics without their values: names, shapes, and last, minimum and maximum numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.metrics.metric import IMAGE, MetricSummary
from mlrun_cli.store.db.database import Database, Row, build_in_list, build_in_lists
from mlrun_cli.store.metrics import ENDS_IN_NAN, NOT_OF_RESOURCES

_MAX_READ = 40_000
_MAX_COMPARED = 50
_SPECIAL = re.compile(r"[%_\\]")
_ESCAPED = r"\\\g<0>"
_HAS_NUMBERS = f"(min_value IS NOT NULL OR {ENDS_IN_NAN})"
_OF_SCRIPT = f"{NOT_OF_RESOURCES} AND {_HAS_NUMBERS}"
_SELECT = f"SELECT *, last_value IS NULL AND {ENDS_IN_NAN} AS ends_in_nan FROM metrics"  # noqa: S608


class MetricSummaryStore:
    """Reads the summaries that the store keeps of metrics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self,
        run_key: int,
        *,
        limit: int,
        offset: int = 0,
        text: str = "",
        only_images: bool | None = None,
        with_resources: bool = True,
    ) -> Sequence[MetricSummary]:
        """Return the summaries of up to `limit` metrics of a run after the first `offset`, sorted by name.

        Args:
            run_key: the key of the run.
            limit: the maximum number of metrics.
            offset: the number of metrics to skip.
            text: text that the name contains, case-insensitively.
            only_images: True for images only, False for other metrics only.
            with_resources: whether what the run used is among them.
        """
        condition, parameters = _build_condition(run_key, text, only_images, with_resources=with_resources)
        rows = self._database.rows(
            f"{_SELECT} WHERE {condition} ORDER BY name LIMIT :limit OFFSET :offset",
            limit=limit,
            offset=offset,
            **parameters,
        )
        return [_build_summary(row) for row in rows]

    def count(
        self, run_key: int, *, text: str = "", only_images: bool | None = None, with_resources: bool = True
    ) -> int:
        """Return the number of metrics that `list` returns without a limit."""
        condition, parameters = _build_condition(run_key, text, only_images, with_resources=with_resources)
        row = self._database.row(f"SELECT count(*) AS found FROM metrics WHERE {condition}", **parameters)  # noqa: S608
        assert row is not None
        return int(row["found"])

    def find(self, run_key: int, name: str) -> MetricSummary | None:
        """Return the summary of a metric, or None if the run has no metric with this name."""
        row = self._database.row(f"{_SELECT} WHERE run_key = :run_key AND name = :name", run_key=run_key, name=name)
        return None if row is None else _build_summary(row)

    def find_newest_metric(self, run_key: int) -> MetricSummary | None:
        """Return the most recently logged of a run's first few metrics, or None if that does not end with a number."""
        rows = self._database.rows(
            f"{_SELECT} WHERE run_key = :run_key AND {_OF_SCRIPT} ORDER BY metric_key LIMIT :limit",
            run_key=run_key,
            limit=_MAX_COMPARED,
        )
        newest = max(rows, key=self._get_last_log_time, default=None)
        return None if newest is None or newest["last_value"] is None else _build_summary(newest)

    def _get_last_log_time(self, metric_row: Row) -> int:
        row = self._database.row(
            "SELECT logged_at FROM metric_values WHERE metric_key = :key AND position = :position",
            key=metric_row["metric_key"],
            position=metric_row["value_count"] - 1,
        )
        return 0 if row is None else int(row["logged_at"])

    def get_for_runs(self, run_keys: Sequence[int], names: Sequence[str]) -> Mapping[tuple[int, str], MetricSummary]:
        """Return the summaries of the metrics with these names, keyed by run key and name; missing metrics are omitted.

        There may be a few hundred names at most.
        """
        its_name, named = build_in_list("name", names)
        found: dict[tuple[int, str], MetricSummary] = {}
        for its_run, parameters in build_in_lists("run", run_keys):
            rows = self._database.rows(
                f"{_SELECT} WHERE run_key IN {its_run} AND name IN {its_name}",
                **parameters,
                **named,
            )
            found.update(((row["run_key"], row["name"]), _build_summary(row)) for row in rows)
        return found

    def list_names(self, run_keys: Sequence[int], limit: int = 1000, *, with_resources: bool = False) -> Sequence[str]:
        """Return the first `limit` names of metrics with numeric values in any of the runs, in alphabetical order.

        What the runs used is among them only `with_resources`.
        """
        condition = _HAS_NUMBERS if with_resources else _OF_SCRIPT
        found: set[str] = set()
        for run_key in run_keys:  # one by one, as each run may have ten thousand
            rows = self._database.rows(
                f"SELECT name FROM metrics WHERE run_key = :run_key AND {condition}"  # noqa: S608
                " ORDER BY name LIMIT :limit",
                run_key=run_key,
                limit=limit,
            )
            found.update(row["name"] for row in rows)
        return sorted(found)[:limit]

    def list_most_common_names(self, run_keys: Sequence[int], limit: int) -> Sequence[tuple[str, int]]:
        """Return the metric names that occur in the most runs, each with the largest number of values in one run.

        The most common names come first, ties by value count. If runs have ten thousand names each, only the first runs
        are read.
        """
        if not run_keys:
            return []
        its_run, parameters = build_in_list("run", self._limit_runs(run_keys))
        rows = self._database.rows(
            f"SELECT name, max(value_count) AS longest FROM metrics WHERE run_key IN {its_run} AND {_OF_SCRIPT}"  # noqa: S608
            " GROUP BY name ORDER BY count(*) DESC, longest DESC, name LIMIT :limit",
            limit=limit,
            **parameters,
        )
        return [(row["name"], row["longest"]) for row in rows]

    def _limit_runs(self, run_keys: Sequence[int]) -> Sequence[int]:
        """Return as many of the first runs, at least one, as have few enough metrics to be read for a page."""
        left = _MAX_READ
        reached: list[int] = []
        for run_key in run_keys:
            row = self._database.row(
                "SELECT count(*) AS found"
                " FROM (SELECT 1 AS one FROM metrics WHERE run_key = :run_key LIMIT :left) AS few",
                run_key=run_key,
                left=left,
            )
            assert row is not None
            left -= row["found"]
            if left <= 0 and reached:
                break
            reached.append(run_key)
        return reached

    def count_names(self, run_keys: Sequence[int]) -> int:
        """Return how many numeric metrics, except resource metrics, the given runs have; at most a few hundred runs."""
        its_run, parameters = build_in_list("run", run_keys)
        row = self._database.row(
            f"SELECT count(DISTINCT name) AS found FROM metrics WHERE run_key IN {its_run} AND {_OF_SCRIPT}",  # noqa: S608
            **parameters,
        )
        assert row is not None
        return int(row["found"])

    def has_numbers(self, metric_name: str) -> bool:
        """Return whether any run has logged numeric values for the metric with this name."""
        row = self._database.row(
            "SELECT EXISTS (SELECT 1 FROM metrics WHERE name = :name AND last_value IS NOT NULL)"
            " OR EXISTS (SELECT 1 FROM metrics WHERE name = :name AND min_value IS NOT NULL) AS found",
            name=metric_name,
        )
        return row is not None and bool(row["found"])

    def list_all_names(self, limit: int = 1000) -> Sequence[str]:
        """Return the first `limit` distinct metric names of all runs, in alphabetical order."""
        rows = self._database.rows(
            "WITH RECURSIVE each_name (name) AS (SELECT min(name) FROM metrics UNION ALL"
            " SELECT (SELECT min(name) FROM metrics WHERE name > each_name.name) FROM each_name"
            " WHERE each_name.name IS NOT NULL)"
            " SELECT name FROM each_name WHERE name IS NOT NULL LIMIT :limit",
            limit=limit,
        )
        return [row["name"] for row in rows]


def _build_condition(
    run_key: int, text: str, only_images: bool | None, *, with_resources: bool
) -> tuple[str, dict[str, Any]]:
    condition = "run_key = :run_key" if with_resources else f"run_key = :run_key AND {NOT_OF_RESOURCES}"
    parameters: dict[str, Any] = {"run_key": run_key}
    if text:
        condition += " AND lower(name) LIKE lower(:pattern) ESCAPE '\\'"
        parameters["pattern"] = f"%{_SPECIAL.sub(_ESCAPED, text)}%"
    if only_images is not None:
        condition += f" AND shape {'=' if only_images else '<>'} :image"
        parameters["image"] = IMAGE
    return condition, parameters


def _build_summary(row: Row) -> MetricSummary:
    return MetricSummary(
        name=row["name"],
        shape=row["shape"],
        value_count=row["value_count"],
        last=math.nan if row["ends_in_nan"] else row["last_value"],
        minimum=row["min_value"],
        maximum=row["max_value"],
        description=row["description"],
    )
