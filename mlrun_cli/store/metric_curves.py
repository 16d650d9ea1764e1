"""The numbers of metrics for charts, reduced to as many points as a chart can show."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import MetricPoint
from mlrun_cli.store.db.database import Database, Row, build_in_lists

STEP, TIME = "step", "time"

_X = {STEP: "coalesce(step, position)", TIME: "logged_at"}


class CurvePiece(NamedTuple):
    """A section of a curve: the step or time of its last number, and the mean and count of its numbers."""

    end: float
    mean: float
    size: int


class MetricCurveStore:
    """Reads curves, each divided into pieces of equal length if it has more numbers than requested points.

    Of each piece, the minimum, the maximum and the first NaN are returned, so that no peak and no gap is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_curve(
        self,
        run_key: int,
        name: str,
        *,
        max_points: int = 1000,
        axis: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Sequence[MetricPoint]:
        """Return the downsampled curve of a run's metric over step or time; empty if the metric has no numeric values.

        Args:
            run_key: the key of the run.
            name: the name of the metric.
            max_points: the approximate maximum number of points; there may be a few more.
            axis: `step` or `time`; the step of a number logged without one is its position, counted from 0.
            begin: the first step, or time in microseconds, to include; None means no limit.
            end: the last step or time to include; None means no limit.
        """
        return self.get_curves([run_key], name, max_points=max_points, axis=axis, begin=begin, end=end).get(run_key, ())

    def get_curves(
        self,
        run_keys: Sequence[int],
        name: str,
        *,
        max_points: int = 200,
        axis: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Mapping[int, Sequence[MetricPoint]]:
        """Return the downsampled curves of several runs, keyed by run key; runs without numeric values are omitted."""
        found = {
            series["run_key"]: _Curve(self._database, series, axis, begin, end).read_points(max_points)
            for series in self._select_series(run_keys, name)
        }
        return {key: chosen for key, chosen in found.items() if chosen}

    def get_curve_pieces(
        self,
        run_keys: Sequence[int],
        name: str,
        *,
        max_points: int = 200,
        axis: str = STEP,
        begin: float | None = None,
        end: float | None = None,
        max_preceding_numbers: int = 0,
    ) -> Mapping[int, Sequence[CurvePiece]]:
        """Return curves of several runs as averaged pieces, keyed by run key; runs without numeric values are omitted.

        Short curves are returned in full.

        Args:
            run_keys: the keys of the runs.
            name: the name of the metric.
            max_points: the approximate maximum number of points of a curve, two for each piece.
            axis: `step` or `time`.
            begin: the first step or time to include.
            end: the last step or time to include.
            max_preceding_numbers: the number of values before `begin` that are included too.
        """
        found = {
            series["run_key"]: _Curve(self._database, series, axis, begin, end).read_pieces(
                max_points, max_preceding_numbers
            )
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
    """A metric of a run between two bounds."""

    def __init__(self, database: Database, series: Row, axis: str, begin: float | None, end: float | None) -> None:
        self._database = database
        self._over = axis
        self._is_cut = begin is not None or end is not None
        self._last = series["value_count"] - 1
        self._parameters: dict[str, object] = {"key": series["metric_key"], "begin": begin, "end": end}
        self._until = "metric_key = :key" if end is None else f"metric_key = :key AND {_X[axis]} <= :end"
        self._condition = self._until if begin is None else f"{self._until} AND {_X[axis]} >= :begin"

    def read_points(self, max_points: int) -> Sequence[MetricPoint]:
        first, last = self._find_extent()
        size = _compute_piece_size(first, last, max_points)
        if size == 1:
            rows: Sequence[Row] = self._read_numbers(first, last)
        else:
            rows = [
                *self._read_numbers(first, first),
                *self._list_extremes(first, last, size),
                *self._read_numbers(last, last),
            ]
        by_position = {row["position"]: _build_point(row) for row in rows}
        ordered = [by_position[position] for position in sorted(by_position)]
        return sorted(ordered, key=lambda point: point.step if self._over == STEP else point.logged_at)

    def read_pieces(self, max_points: int, max_preceding_numbers: int) -> Sequence[CurvePiece]:
        """Return the averaged pieces between the bounds, at most `max_points`, preceded by pieces of earlier values."""
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
            start=max(0, first - max_preceding_numbers),
            last=last,
            size=_compute_piece_size(first, last, max_points),
            greatest=sys.float_info.max,
            **self._parameters,
        )
        return [CurvePiece(row["end"], row["mean"], row["size"]) for row in rows if row["size"]]

    def _find_extent(self) -> tuple[int, int]:
        """Return the positions of the first and last value between the bounds, or (0, -1) if there is none."""
        if not self._is_cut:
            return 0, self._last
        row = self._database.row(
            f"SELECT min(position) AS first, max(position) AS last FROM metric_values WHERE {self._condition}",  # noqa: S608
            **self._parameters,
        )
        return (0, -1) if row is None or row["first"] is None else (row["first"], row["last"])

    def _read_numbers(self, first_position: int, last_position: int) -> Sequence[Row]:
        """Return the rows of the numeric values between two positions, inclusive."""
        return self._database.rows(
            "SELECT position, step, logged_at, number FROM metric_values"  # noqa: S608
            f" WHERE {self._condition} AND (number IS NOT NULL OR kind = 'n')"
            " AND position >= :first AND position <= :last ORDER BY position",
            first=first_position,
            last=last_position,
            **self._parameters,
        )

    def _list_extremes(self, first_position: int, last_position: int, piece_size: int) -> Sequence[Row]:
        """Return the rows of the minimum, maximum and first NaN of each piece of `piece_size` positions."""
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
            first=first_position,
            last=last_position,
            size=piece_size,
            **self._parameters,
        )


def _compute_piece_size(first_position: int, last_position: int, max_points: int) -> int:
    """Return the number of values per piece if each piece is drawn as two points; 1 if every value can be a point."""
    return (
        1
        if last_position - first_position < max_points
        else -(-(last_position - first_position + 1) // max(1, max_points // 2))
    )


def _build_point(row: Row) -> MetricPoint:
    step = row["position"] if row["step"] is None else row["step"]
    return MetricPoint(step, row["logged_at"], float("nan") if row["number"] is None else row["number"])
