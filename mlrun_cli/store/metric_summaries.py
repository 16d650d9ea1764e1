"""Metrics without their values: which there are, how they were logged, and their last, least and greatest numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.metrics.metric import IMAGE, MetricSummary
from mlrun_cli.store.db.database import Database, Row, build_in_list, build_in_lists

_MOST_READ = 40_000
_SPECIAL = re.compile(r"[%_\\]")
_ESCAPED = r"\\\g<0>"
# The database makes NaN null; whether that is what the null stands for is asked of the value itself.
_ENDS_IN_NAN = (
    "coalesce((SELECT kind = 'n' FROM metric_values WHERE metric_values.metric_key = metrics.metric_key"
    " AND position = metrics.value_count - 1), 0)"
)
_HAS_NUMBERS = f"(min_value IS NOT NULL OR {_ENDS_IN_NAN})"
_SELECT = f"SELECT *, last_value IS NULL AND {_ENDS_IN_NAN} AS ends_in_nan FROM metrics"  # noqa: S608


class MetricSummaryStore:
    """Reads what the store keeps beside the values of metrics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, run_key: int, *, limit: int, offset: int = 0, text: str = "", only_images: bool | None = None
    ) -> Sequence[MetricSummary]:
        """Return the metrics of a run, by name: `limit` of them after the first `offset`.

        Args:
            run_key: the key of the run.
            limit: how many at most.
            offset: how many are left out first.
            text: what the name holds, in either case.
            only_images: True for images only, False for all others only.
        """
        condition, parameters = _build_condition(run_key, text, only_images)
        rows = self._database.rows(
            f"{_SELECT} WHERE {condition} ORDER BY name LIMIT :limit OFFSET :offset",
            limit=limit,
            offset=offset,
            **parameters,
        )
        return [_build_summary(row) for row in rows]

    def count(self, run_key: int, *, text: str = "", only_images: bool | None = None) -> int:
        """Return the number of metrics that `list` returns without a limit."""
        condition, parameters = _build_condition(run_key, text, only_images)
        row = self._database.row(f"SELECT count(*) AS found FROM metrics WHERE {condition}", **parameters)  # noqa: S608
        assert row is not None
        return int(row["found"])

    def find(self, run_key: int, name: str) -> MetricSummary | None:
        """Return the metric of this name of a run, or None."""
        row = self._database.row(f"{_SELECT} WHERE run_key = :run_key AND name = :name", run_key=run_key, name=name)
        return None if row is None else _build_summary(row)

    def list_for_runs(self, run_keys: Sequence[int], names: Sequence[str]) -> Mapping[tuple[int, str], MetricSummary]:
        """Return the metrics of these names, by key of the run and name; missing ones are left out.

        At most some hundred names.
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

    def list_names(self, run_keys: Sequence[int], limit: int = 1000) -> Sequence[str]:
        """Return the first `limit` names of metrics with numbers in some of the runs, in alphabetical order."""
        found: set[str] = set()
        for run_key in run_keys:  # one by one, as each of them may have ten thousand
            rows = self._database.rows(
                f"SELECT name FROM metrics WHERE run_key = :run_key AND {_HAS_NUMBERS}"  # noqa: S608
                " ORDER BY name LIMIT :limit",
                run_key=run_key,
                limit=limit,
            )
            found.update(row["name"] for row in rows)
        return sorted(found)[:limit]

    def list_most_common(self, run_keys: Sequence[int], limit: int) -> Sequence[tuple[str, int]]:
        """Return the metric names that the most of these runs have numbers of, each with its largest number of values.

        Of names that as many runs have, the one with the most values comes first. Where runs have ten thousand names
        each, the first runs speak for the others.
        """
        if not run_keys:
            return []
        its_run, parameters = build_in_list("run", self._limit_runs(run_keys))
        rows = self._database.rows(
            f"SELECT name, max(value_count) AS longest FROM metrics WHERE run_key IN {its_run} AND {_HAS_NUMBERS}"  # noqa: S608
            " GROUP BY name ORDER BY count(*) DESC, longest DESC, name LIMIT :limit",
            limit=limit,
            **parameters,
        )
        return [(row["name"], row["longest"]) for row in rows]

    def _limit_runs(self, run_keys: Sequence[int]) -> Sequence[int]:
        """Return the first runs, at least one, that have together few enough metrics to be read for a page."""
        left = _MOST_READ
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
        """Return the number of names that `list_names` returns without a limit, for some hundred runs."""
        its_run, parameters = build_in_list("run", run_keys)
        row = self._database.row(
            f"SELECT count(DISTINCT name) AS found FROM metrics WHERE run_key IN {its_run} AND {_HAS_NUMBERS}",  # noqa: S608
            **parameters,
        )
        assert row is not None
        return int(row["found"])

    def list_all_names(self, limit: int = 1000) -> Sequence[str]:
        """Return the first `limit` names of metrics of all runs, in alphabetical order."""
        rows = self._database.rows(
            "WITH RECURSIVE each_name (name) AS (SELECT min(name) FROM metrics UNION ALL"
            " SELECT (SELECT min(name) FROM metrics WHERE name > each_name.name) FROM each_name"
            " WHERE each_name.name IS NOT NULL)"
            " SELECT name FROM each_name WHERE name IS NOT NULL LIMIT :limit",
            limit=limit,
        )
        return [row["name"] for row in rows]


def _build_condition(run_key: int, text: str, only_images: bool | None) -> tuple[str, dict[str, Any]]:
    condition = "run_key = :run_key"
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
