from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.metrics.metric import LIST, ROW, TABLE, VALUE, LoggedValue
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.metrics import MetricStore

RUN = 7


def logged(value: Any, *, shape: str = VALUE, name: str = "m", step: float | None = None) -> LoggedValue:
    return LoggedValue(shape, name, 1_000_000, step, value, None)


@pytest.fixture
def metrics(database: Database) -> MetricStore:
    return MetricStore(database)


def add(database: Database, metrics: MetricStore, *batch: LoggedValue) -> Any:
    with database.transaction():
        metrics.add(RUN, batch)
    return metrics.get(RUN).get("m")


@pytest.mark.parametrize(
    "value", [0.1, -1, True, False, "text", "", math.inf, -math.inf, 2**53 + 1, -(10**400), 0, 1e300, None]
)
def test_a_value_keeps_its_kind(database: Database, metrics: MetricStore, value: Any) -> None:
    back = add(database, metrics, logged(value))

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(("value", "number"), [(10**400, math.inf), (-(10**400), -math.inf), (2**60, 2.0**60)])
def test_an_integer_that_is_too_large_for_a_float_is_infinite_as_a_last_number(
    database: Database, metrics: MetricStore, value: int, number: float
) -> None:
    add(database, metrics, logged(value))

    assert metrics.get_last_numbers([RUN]) == {RUN: [("m", number, 1000, 0)]}


def test_nan_stays_nan(database: Database, metrics: MetricStore) -> None:
    assert math.isnan(add(database, metrics, logged(math.nan)))


def test_one_value_is_itself_and_several_are_a_list(database: Database, metrics: MetricStore) -> None:
    assert add(database, metrics, logged(1)) == 1
    assert add(database, metrics, logged(2), logged(3)) == [1, 2, 3]


def test_values_with_steps_come_in_the_order_of_their_steps(database: Database, metrics: MetricStore) -> None:
    assert add(database, metrics, logged("b", step=2), logged("a", step=1), logged("c", step=2)) == ["a", "b", "c"]


def test_a_list_stays_a_list_even_with_one_value(database: Database, metrics: MetricStore) -> None:
    assert add(database, metrics, logged([1], shape=LIST)) == [1]
    assert add(database, metrics, logged([], shape=LIST), logged([2.5, "x"], shape=LIST)) == [1, 2.5, "x"]


def test_an_empty_list_is_a_metric_too(database: Database, metrics: MetricStore) -> None:
    assert add(database, metrics, logged([], shape=LIST)) == []


def test_rows_become_columns_when_there_are_several(database: Database, metrics: MetricStore) -> None:
    assert add(database, metrics, logged({"x": 1, "y": 2.5}, shape=ROW)) == {"x": 1, "y": 2.5}
    assert add(database, metrics, logged({"x": 3, "z": "t"}, shape=ROW)) == {
        "x": [1, 3],
        "y": [2.5, None],
        "z": [None, "t"],
    }


def test_a_table_comes_back_as_it_was(database: Database, metrics: MetricStore) -> None:
    table = {"x": [1, 2], "y": [0.5, math.inf]}

    assert add(database, metrics, logged(table, shape=TABLE)) == table


def test_last_min_max_and_count_are_kept_beside_the_values(database: Database, metrics: MetricStore) -> None:
    add(database, metrics, logged(3.0), logged(math.nan), logged(-1))
    add(database, metrics, logged("text"), logged(2))

    row = database.row("SELECT * FROM metrics")
    assert row is not None
    assert (row["value_count"], row["last_value"], row["min_value"], row["max_value"]) == (5, 2.0, -1.0, 3.0)
    assert metrics.get_last_values(RUN) == {"m": 2}


def test_metrics_of_one_name_and_of_one_run_are_read_alone(database: Database, metrics: MetricStore) -> None:
    add(database, metrics, logged(1), logged(2, name="other"))
    with database.transaction():
        metrics.add(RUN + 1, [logged(3)])

    assert metrics.get(RUN, "other") == {"other": 2}
    assert metrics.get(RUN, "missing") == {}
    assert metrics.get(RUN + 1) == {"m": 3}


scalars = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


@settings(max_examples=50)
@given(st.lists(scalars, min_size=2))
def test_whatever_is_logged_comes_back_in_order(database: Database, values: list[Any]) -> None:
    metrics = MetricStore(database)
    with database.transaction():
        database.execute("DELETE FROM metrics")
        metrics.add(RUN, [logged(value) for value in values])

    back = metrics.get(RUN)["m"]

    assert [(type(value), value) for value in back] == [(type(value), value) for value in values]


def _summary(database: Database, name: str) -> tuple[object, ...]:
    row = database.row("SELECT * FROM metrics WHERE run_key = :run AND name = :name", run=RUN, name=name)
    assert row is not None
    return tuple(row[column] for column in ("value_count", "last_value", "min_value", "max_value"))


def test_an_attempt_goes_on_with_the_steps_of_the_one_before(database: Database, metrics: MetricStore) -> None:
    earlier = [logged(float(-step), step=step) for step in range(10)]
    add(database, metrics, *earlier, logged(1.0, name="without a step"), logged(5.0, name="both"))
    add(database, metrics, logged(7.0, name="both", step=3))

    with database.transaction():
        metrics.begin_attempt(RUN)
    assert metrics.get(RUN).keys() == {"m", "both"}
    assert _summary(database, "both") == (1, 7.0, 7.0, 7.0)
    assert _summary(database, "m") == (10, -9.0, -9.0, 0.0)

    add(database, metrics, logged(60.0, step=6), logged(70.0, step=7))
    add(database, metrics, logged(50.0, step=5))
    items = metrics.list_items(RUN, "m", limit=20)
    assert [(item.position, item.step) for item in items] == [
        (n, step) for n, step in enumerate((0, 1, 2, 3, 4, 6, 7, 5))
    ]
    assert _summary(database, "m") == (8, 50.0, -4.0, 70.0)
