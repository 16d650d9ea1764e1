"""The numbers of metrics as charts show them: no more points than a chart has room for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import MetricPoint
from mlrun_cli.store.db.database import Database, Row, build_in_lists

STEP, TIME = "step", "time"

_X = {STEP: "coalesce(step, position)", TIME: "logged_at"}


class CurvePiece(NamedTuple):
    """Numbers that follow each other: where the last of them stands, their mean, and how many they are."""

    end: float
    mean: float
    size: int


class MetricCurveStore:
    """Reads curves. One with more numbers than points are wanted is cut into pieces of equal length.

    Of each piece the least and the greatest number are kept, and the first NaN, so that no peak and no gap is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_curve(
        self,
        run_key: int,
        name: str,
        *,
        points: int = 1000,
        over: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Sequence[MetricPoint]:
        """Return a run's numbers of a metric as points over `over`; empty when there are none.

        Args:
            run_key: the key of the run.
            name: of the metric.
            points: about how many are wanted; a few more may come.
            over: `step`, where a number without one has its position from 0 on, or `time`.
            begin: only from this step, or this moment in microseconds, on; None means from the first.
            end: only up to this one, which is included; None means to the last.
        """
        return self.get_curves([run_key], name, points=points, over=over, begin=begin, end=end).get(run_key, ())

    def get_curves(
        self,
        run_keys: Sequence[int],
        name: str,
        *,
        points: int = 200,
        over: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Mapping[int, Sequence[MetricPoint]]:
        """Return the curves of several runs, by their keys; those without numbers of this name are left out."""
        found = {
            series["run_key"]: _Curve(self._database, series, over, begin, end).read_points(points)
            for series in self._select_series(run_keys, name)
        }
        return {key: chosen for key, chosen in found.items() if chosen}

    def get_pieces(
        self,
        run_keys: Sequence[int],
        name: str,
        *,
        points: int = 200,
        over: str = STEP,
        begin: float | None = None,
        end: float | None = None,
        before: int = 0,
    ) -> Mapping[int, Sequence[CurvePiece]]:
        """Return the curves as pieces of finite numbers; each number is a piece where all numbers are points.

        Args:
            run_keys: as `get_curves` takes them, like all that follow but the last.
            name: of the metric.
            points: about how many are wanted.
            over: `step` or `time`.
            begin: only from here on.
            end: only up to here.
            before: how many numbers before `begin` are taken in.
        """
        found = {
            series["run_key"]: _Curve(self._database, series, over, begin, end).read_pieces(points, before)
            for series in self._select_series(run_keys, name)
        }
        return {key: pieces for key, pieces in found.items() if pieces}

    def _select_series(self, run_keys: Sequence[int], name: str) -> Iterator[Row]:
        for places, parameters in build_in_lists("run", run_keys):
            yield from self._database.rows(
                f"SELECT run_key, metric_key, value_count FROM metrics WHERE run_key IN {places} AND name = :name",  # noqa: S608
                name=name,
                **parameters,
            )


class _Curve:
    """One metric of one run, between two ends."""

    def __init__(self, database: Database, series: Row, over: str, begin: float | None, end: float | None) -> None:
        self._database = database
        self._over = over
        self._is_cut = begin is not None or end is not None
        self._last = series["value_count"] - 1
        self._parameters: dict[str, object] = {"key": series["metric_key"], "begin": begin, "end": end}
        self._until = "metric_key = :key" if end is None else f"metric_key = :key AND {_X[over]} <= :end"
        self._condition = self._until if begin is None else f"{self._until} AND {_X[over]} >= :begin"

    def read_points(self, points: int) -> Sequence[MetricPoint]:
        first, last = self._find_extent()
        size = _compute_piece_size(first, last, points)
        if size == 1:
            rows: Sequence[Row] = self._read_all(first, last)
        else:
            rows = [*self._read_all(first, first), *self._find_extremes(first, last, size), *self._read_all(last, last)]
        by_position = {row["position"]: _build_point(row) for row in rows}
        ordered = [by_position[position] for position in sorted(by_position)]
        return sorted(ordered, key=lambda point: point.step if self._over == STEP else point.logged_at)

    def read_pieces(self, points: int, before: int) -> Sequence[CurvePiece]:
        first, last = self._find_extent()
        numbers = (
            f"FROM metric_values WHERE {self._until} AND position >= start AND position < start + :size"
            " AND number >= -:greatest AND number <= :greatest"
        )
        rows = self._database.rows(
            "WITH RECURSIVE pieces (start) AS (SELECT :start WHERE :start <= :last"  # noqa: S608
            " UNION ALL SELECT start + :size FROM pieces WHERE start + :size <= :last)"
            f" SELECT (SELECT {_X[self._over]} {numbers} ORDER BY position DESC LIMIT 1) AS end,"
            f" (SELECT avg(number) {numbers}) AS mean, (SELECT count(*) {numbers}) AS size FROM pieces",
            start=max(0, first - before),
            last=last,
            size=_compute_piece_size(first, last, points),
            greatest=sys.float_info.max,
            **self._parameters,
        )
        return [CurvePiece(row["end"], row["mean"], row["size"]) for row in rows if row["size"]]

    def _find_extent(self) -> tuple[int, int]:
        """Return the positions of the first and the last number between the ends."""
        if not self._is_cut:
            return 0, self._last
        row = self._database.row(
            f"SELECT min(position) AS first, max(position) AS last FROM metric_values WHERE {self._condition}",  # noqa: S608
            **self._parameters,
        )
        return (0, -1) if row is None or row["first"] is None else (row["first"], row["last"])

    def _read_all(self, first: int, last: int) -> Sequence[Row]:
        """Return the numbers between two positions."""
        return self._database.rows(
            "SELECT position, step, logged_at, number FROM metric_values"  # noqa: S608
            f" WHERE {self._condition} AND (number IS NOT NULL OR kind = 'n')"
            " AND position >= :first AND position <= :last ORDER BY position",
            first=first,
            last=last,
            **self._parameters,
        )

    def _find_extremes(self, first: int, last: int, size: int) -> Sequence[Row]:
        """Return minimum, maximum and the first NaN of each piece of `size` positions."""
        piece = (
            f"SELECT position FROM metric_values WHERE {self._condition}"  # noqa: S608
            " AND position >= start AND position < start + :size"
        )
        return self._database.rows(
            "WITH RECURSIVE pieces (start) AS (SELECT :first"  # noqa: S608
            " UNION ALL SELECT start + :size FROM pieces WHERE start + :size <= :last)"
            " SELECT position, step, logged_at, number FROM pieces CROSS JOIN metric_values"
            " WHERE metric_key = :key AND position IN ("
            f"({piece} AND number IS NOT NULL ORDER BY number LIMIT 1),"
            f" ({piece} AND number IS NOT NULL ORDER BY number DESC LIMIT 1),"
            f" ({piece} AND kind = 'n' LIMIT 1))",
            first=first,
            last=last,
            size=size,
            **self._parameters,
        )


def _compute_piece_size(first: int, last: int, points: int) -> int:
    """Return the number of positions per piece, at two points a piece; 1 where each number can be a point."""
    return 1 if last - first < points else -(-(last - first + 1) // max(1, points // 2))


def _build_point(row: Row) -> MetricPoint:
    step = row["position"] if row["step"] is None else row["step"]
    return MetricPoint(step, row["logged_at"], float("nan") if row["number"] is None else row["number"])
