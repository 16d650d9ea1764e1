"""The numbers of metrics as charts show them: no more points than a chart has room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.domain.metric import MetricPoint
from mlrun_cli.store.database import Database, Row, in_list

STEP, TIME = "step", "time"

_X = {STEP: "coalesce(step, position)", TIME: "logged_at"}
_KEYS_AT_ONCE = 500
_SHORT_PIECE = 50
"""A piece of so many numbers is read as a whole in less time than its least and its greatest are asked for."""


class MetricCurveStore:
    """Reads curves. One with more numbers than points are wanted is cut into pieces of equal length.

    Of each piece the least and the greatest number are kept, and the first NaN, so that no peak and no gap is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def curve(
        self,
        run_key: int,
        name: str,
        *,
        points: int = 1000,
        over: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Sequence[MetricPoint]:
        """The numbers that a run has logged under a name, along `over`; none when there are none.

        Args:
            run_key: the key of the run.
            name: of the metric.
            points: about how many are wanted; a few more may come.
            over: `step`, where a number without one has its position from 0 on, or `time`.
            begin: only from this step, or this moment in microseconds, on; None means from the first.
            end: only up to this one, which is included; None means to the last.
        """
        return self.curves([run_key], name, points=points, over=over, begin=begin, end=end).get(run_key, ())

    def curves(
        self,
        run_keys: Sequence[int],
        name: str,
        *,
        points: int = 200,
        over: str = STEP,
        begin: float | None = None,
        end: float | None = None,
    ) -> Mapping[int, Sequence[MetricPoint]]:
        """The same for each of some runs that have numbers of this name, by their keys."""
        found: dict[int, Sequence[MetricPoint]] = {}
        for series in self._series(run_keys, name):
            curve = _Curve(self._database, series, over, begin, end)
            chosen = curve.read(points)
            if chosen:
                found[series["run_key"]] = chosen
        return found

    def _series(self, run_keys: Sequence[int], name: str) -> Iterator[Row]:
        for start in range(0, len(run_keys), _KEYS_AT_ONCE):
            places, parameters = in_list("run", run_keys[start : start + _KEYS_AT_ONCE])
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
        self._parameters: dict[str, object] = {"key": series["metric_key"]}
        condition = "metric_key = :key"
        for comparison, bound, value in ((">=", "begin", begin), ("<=", "end", end)):
            if value is not None:
                condition += f" AND {_X[over]} {comparison} :{bound}"
                self._parameters[bound] = value
        self._condition = condition

    def read(self, points: int) -> Sequence[MetricPoint]:
        first, last = self._extent()
        if last - first < points:
            rows: Sequence[Row] = self._all(first, last)
        else:
            size = -(-(last - first + 1) // max(1, points // 2))
            rows = [*self._all(first, first), *self._extremes(first, last, size), *self._all(last, last)]
        by_position = {row["position"]: _point(row) for row in rows}
        ordered = [by_position[position] for position in sorted(by_position)]
        return sorted(ordered, key=lambda point: point.step if self._over == STEP else point.logged_at)

    def _extent(self) -> tuple[int, int]:
        """The positions of the first and the last number that is wanted."""
        if not self._is_cut:
            return 0, self._last
        row = self._database.row(
            f"SELECT min(position) AS first, max(position) AS last FROM metric_values WHERE {self._condition}",  # noqa: S608
            **self._parameters,
        )
        return (0, -1) if row is None or row["first"] is None else (row["first"], row["last"])

    def _all(self, first: int, last: int) -> Sequence[Row]:
        """The numbers from one position to another."""
        return self._database.rows(
            "SELECT position, step, logged_at, number FROM metric_values"  # noqa: S608
            f" WHERE {self._condition} AND (number IS NOT NULL OR kind = 'n')"
            " AND position >= :first AND position <= :last ORDER BY position",
            first=first,
            last=last,
            **self._parameters,
        )

    def _extremes(self, first: int, last: int, size: int) -> Sequence[Row]:
        """Of each piece of `size` positions the least number, the greatest and the first NaN."""
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


def _thinned(rows: Sequence[Row], size: int) -> list[Row]:
    """Of each piece of so many rows the least, the greatest and the first NaN; and the first row and the last."""
    chosen = [rows[0], rows[-1]] if rows else []
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        numbers = [row for row in piece if row["number"] is not None]
        if numbers:
            chosen.append(min(numbers, key=_number))
            chosen.append(max(numbers, key=_number))
        if len(numbers) < len(piece):
            chosen.append(next(row for row in piece if row["number"] is None))
    return chosen


def _number(row: Row) -> float:
    number: float = row["number"]
    return number


def _point(row: Row) -> MetricPoint:
    step = row["position"] if row["step"] is None else row["step"]
    return MetricPoint(step, row["logged_at"], float("nan") if row["number"] is None else row["number"])
