from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from mlrun_cli.metrics.metric import LIST, ROW, VALUE, LoggedValue, MetricPoint
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.metric_curves import MetricCurveStore
from mlrun_cli.store.metrics import MetricStore

RUN = 7


@pytest.fixture
def curves(database: Database) -> MetricCurveStore:
    return MetricCurveStore(database)


def log(
    database: Database, values: Sequence[Any], *, steps: Iterable[float | None] | None = None, run: int = RUN
) -> None:
    """Log values under `m`, one a microsecond, from 100 on."""
    batch = [
        LoggedValue(VALUE, "m", 100 + number, step, value, None)
        for number, (value, step) in enumerate(zip(values, steps or [None] * len(values), strict=True))
    ]
    with database.transaction():
        MetricStore(database).add(run, batch)


def test_a_short_curve_comes_whole(database: Database, curves: MetricCurveStore) -> None:
    log(database, [0.5, 2, True], steps=[10, 20, None])

    assert curves.get_curve(RUN, "m") == [
        MetricPoint(2, 102, 1.0),
        MetricPoint(10, 100, 0.5),
        MetricPoint(20, 101, 2.0),
    ]
    assert [point.logged_at for point in curves.get_curve(RUN, "m", axis="time")] == [100, 101, 102]
    assert curves.get_curve(RUN, "never") == ()
    assert curves.get_curve(RUN + 1, "m") == ()


def test_a_list_is_a_curve_too(database: Database, curves: MetricCurveStore) -> None:
    with database.transaction():
        MetricStore(database).add(RUN, [LoggedValue(LIST, "m", 1, None, [3.0, 4.0], None)])

    assert [(point.step, point.value) for point in curves.get_curve(RUN, "m")] == [(0, 3.0), (1, 4.0)]


@pytest.mark.parametrize("wanted", [100, 400])
def test_a_long_curve_keeps_its_peaks_its_ends_and_its_gaps(
    database: Database, curves: MetricCurveStore, wanted: int
) -> None:
    values = [math.sin(number / 500) for number in range(5000)]
    values[1234], values[2345], values[3456], values[4567] = 99.0, -99.0, math.nan, math.inf
    values[4990], values[4991] = 5.0, -5.0
    log(database, values)

    points = curves.get_curve(RUN, "m", max_points=wanted)

    by_step = {point.step: point.value for point in points}
    assert len(points) <= wanted * 1.1
    assert [by_step[step] for step in (0, 1234, 2345, 4567, 4999)] == [0.0, 99.0, -99.0, math.inf, values[4999]]
    assert math.isnan(by_step[3456])
    assert list(by_step) == sorted(by_step)
    assert all(values[int(point.step)] == point.value for point in points if point.step != 3456)


def test_a_part_of_a_curve_has_about_as_many_points_as_the_whole(database: Database, curves: MetricCurveStore) -> None:
    log(database, [float(number) for number in range(1000)], steps=[number * 2 for number in range(1000)])

    part = curves.get_curve(RUN, "m", max_points=40, begin=1000, end=1100)
    by_time = curves.get_curve(RUN, "m", max_points=40, axis="time", begin=200, end=400)

    assert (part[0].step, part[-1].step) == (1000, 1100)
    assert 30 <= len(part) <= 44
    assert (by_time[0].logged_at, by_time[-1].logged_at) == (200, 400)
    assert curves.get_curve(RUN, "m", begin=5000) == ()


def test_what_is_no_number_is_no_point(database: Database, curves: MetricCurveStore) -> None:
    log(database, [1.0, "text", None, 10**400, 2**60, 3.0])
    with database.transaction():
        MetricStore(database).add(RUN, [LoggedValue(ROW, "row", 1, None, {"a": 1}, None)])

    assert [(point.step, point.value) for point in curves.get_curve(RUN, "m")] == [(0, 1.0), (4, 2.0**60), (5, 3.0)]
    assert curves.get_curve(RUN, "row") == ()
    log(database, ["text"] * 100, run=8)
    assert curves.get_curve(8, "m", max_points=10) == ()


def test_many_runs_are_overlaid(database: Database, curves: MetricCurveStore) -> None:
    for run in (1, 2, 3):
        log(database, [float(run)] * 500, run=run)

    found = curves.get_curves([1, 3, 4], "m", max_points=20)

    assert {run: {point.value for point in points} for run, points in found.items()} == {1: {1.0}, 3: {3.0}}
    assert all(len(points) <= 24 for points in found.values())
