from __future__ import annotations

import math

import pytest

from mlrun_cli.metrics.metric import IMAGE, MIXED, TABLE, VALUE, LoggedValue, MetricItem, MetricSummary
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.metric_summaries import MetricSummaryStore
from mlrun_cli.store.metrics import MetricStore

RUN, OTHER = 7, 8


@pytest.fixture
def summaries(database: Database) -> MetricSummaryStore:
    metrics = MetricStore(database)
    with database.transaction():
        values = [LoggedValue(VALUE, "loss", 1, None, value, "how wrong") for value in (3.0, math.nan, 1, 2.0)]
        metrics.add(RUN, [*values, LoggedValue(IMAGE, "plot", 1, None, "outputs/plot.png", None)])
        metrics.add(RUN, [LoggedValue(TABLE, "table", 1, None, {"a": [1, 2]}, None)])
        metrics.add(RUN, [LoggedValue(shape, "both", 1, None, "x", None) for shape in (VALUE, IMAGE)])
        metrics.add(OTHER, [LoggedValue(VALUE, name, 1, None, 5.0, None) for name in ("loss", "accuracy")])
    return MetricSummaryStore(database)


def test_a_summary_tells_how_a_metric_was_logged(summaries: MetricSummaryStore) -> None:
    assert summaries.find(RUN, "loss") == MetricSummary("loss", VALUE, 4, 2.0, 1.0, 3.0, "how wrong")
    assert summaries.find(RUN, "never") is None
    assert [(each.name, each.shape, each.last) for each in summaries.list(RUN, limit=10)] == [
        ("both", MIXED, None),
        ("loss", VALUE, 2.0),
        ("plot", IMAGE, None),
        ("table", TABLE, None),
    ]


def test_names_are_paged_and_found_by_what_they_hold(database: Database, summaries: MetricSummaryStore) -> None:
    with database.transaction():
        MetricStore(database).add(9, [LoggedValue(VALUE, f"m{n:04}", 1, None, 1.0, None) for n in range(1000)])

    assert summaries.count(9) == 1000
    assert [each.name for each in summaries.list(9, limit=2, offset=500)] == ["m0500", "m0501"]
    assert summaries.count(9, text="M09") == 100
    assert summaries.count(9, text="m_9") == 0
    assert [each.name for each in summaries.list(9, limit=1, offset=99, text="m09")] == ["m0999"]


def test_the_last_value_may_be_nan_and_the_least_and_greatest_are_numbers(database: Database) -> None:
    metrics, found = MetricStore(database), MetricSummaryStore(database)
    for value in (3.0, 2, math.nan, math.nan):
        with database.transaction():
            metrics.add(RUN, [LoggedValue(VALUE, "loss", 1, None, value, None)])
    with database.transaction():
        metrics.add(RUN, [LoggedValue(VALUE, "never", 1, None, math.nan, None)])

    loss, never = found.list(RUN, limit=5)
    assert math.isnan(loss.last or 0) and (loss.minimum, loss.maximum) == (2.0, 3.0)
    assert math.isnan(never.last or 0) and (never.minimum, never.maximum) == (None, None)
    assert found.list_names([RUN]) == ["loss", "never"]

    with database.transaction():
        metrics.add(RUN, [LoggedValue(VALUE, "never", 1, None, 1.5, None)])
    assert found.find(RUN, "never") == MetricSummary("never", VALUE, 2, 1.5, 1.5, 1.5)


def test_images_are_listed_apart(summaries: MetricSummaryStore) -> None:
    assert [each.name for each in summaries.list(RUN, limit=10, only_images=True)] == ["plot"]
    assert summaries.count(RUN, only_images=False) == 3


def test_summaries_of_many_runs_come_at_once(summaries: MetricSummaryStore) -> None:
    found = summaries.get_for_runs([RUN, OTHER, 99], ["loss", "accuracy"])

    assert {key: each.last for key, each in found.items()} == {
        (RUN, "loss"): 2.0,
        (OTHER, "loss"): 5.0,
        (OTHER, "accuracy"): 5.0,
    }


def test_names_of_runs_are_those_with_numbers(summaries: MetricSummaryStore) -> None:
    assert summaries.list_names([RUN, OTHER]) == ["accuracy", "loss"]
    assert summaries.list_names([RUN]) == ["loss"]
    assert summaries.list_names([RUN, OTHER], limit=1) == ["accuracy"]
    assert summaries.count_names([RUN, OTHER]) == 2
    assert summaries.list_all_names() == ["accuracy", "both", "loss", "plot", "table"]
    assert summaries.list_all_names(limit=2) == ["accuracy", "both"]


@pytest.mark.usefixtures("summaries")
def test_values_are_paged_as_they_were_logged(database: Database) -> None:
    metrics = MetricStore(database)

    assert metrics.list_items(RUN, "loss", limit=2, offset=2) == [
        MetricItem(2, None, 1, 1),
        MetricItem(3, None, 1, 2.0),
    ]
    assert [item.value for item in metrics.list_items(RUN, "table", limit=5)] == [{"a": [1, 2]}]
    assert [item.value for item in metrics.list_items(RUN, "plot", limit=5)] == ["outputs/plot.png"]


def test_the_most_common_metrics_are_those_of_most_runs_then_the_longest(
    database: Database, summaries: MetricSummaryStore
) -> None:
    assert summaries.list_most_common_names([RUN, OTHER], 10) == [("loss", 4), ("accuracy", 1)]
    assert summaries.list_most_common_names([RUN, OTHER], 1) == [("loss", 4)]
    assert summaries.list_most_common_names([], 10) == []
    metrics = MetricStore(database)
    with database.transaction():
        metrics.add(9, [LoggedValue(VALUE, f"m{n:05}", 1, None, 1.0, None) for n in range(40_001)])
    assert [name for name, _ in summaries.list_most_common_names([9, OTHER], 2)] == ["m00000", "m00001"]
    assert summaries.list_most_common_names([OTHER, 9], 1) == [("accuracy", 1)]
