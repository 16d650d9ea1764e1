"""What stands in the address of a page of runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import TagFilter
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.studio.runs_table.columns import Column, chosen_columns
from mlrun_cli.studio.runs_table.time_bound import time_bound
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.studio.runs_table.view_filter import read_pair, view_filter, written_pair

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TEXTS = st.lists(TEXT, max_size=4, unique=True).map(tuple)


@settings(max_examples=50, deadline=None)
@given(TEXT, TEXTS)
def test_a_view_is_read_as_it_was_written(text: str, texts: tuple[str, ...]) -> None:
    view = RunsView(search=text.strip(), columns=texts, chart=texts, select=texts, sort=text, page=3, children=True)
    assert RunsView.parse(view.query()) == view


def test_what_an_address_cannot_mean_is_left_out() -> None:
    assert RunsView.parse("page=-1&size=7&hide=maybe&children=yes&unknown=1&status=&columns=,,") == RunsView()
    assert RunsView.parse("page=99999999999999999999").page == 1
    assert RunsView().query() == ""


def test_a_change_leads_to_the_first_page() -> None:
    view = RunsView(status=("Failed",), page=7)
    assert view.with_(search="x") == RunsView(search="x", status=("Failed",))
    assert view.toggled("status", "Failed") == RunsView()
    assert view.toggled("status", "Queued").status == ("Failed", "Queued")
    assert view.with_(page=8).page == 8
    assert view.without_filters() == RunsView()


@settings(max_examples=50, deadline=None)
@given(TEXT, st.none() | st.text())
def test_a_chip_of_a_tag_filters_by_it(key: str, value: str | None) -> None:
    assert read_pair(written_pair(key, value)) == TagFilter(key, value, any_value=value is None)


def test_filters_that_mean_nothing_are_named_and_the_others_hold() -> None:
    view = RunsView(
        search="word " * 51,
        status=("Failed", "Fantastic"),
        metric=("a > 1", "b >> 2"),
        tag=("=x",),
        since="yesterday",
        sort="-nothing",
    )
    meant = view_filter(view, "exp", 0)
    assert meant.which.statuses == {RunStatus.FAILED}
    assert [str(metric) for metric in meant.which.metrics] == ["a > 1"]
    assert meant.which.experiment_name == "exp"
    assert {name: fault.text for name, fault in meant.faults.items()} == {
        "search": "word " * 51,
        "status": "Fantastic",
        "metric": "b >> 2",
        "tag": "=x",
        "since": "yesterday",
        "sort": "-nothing",
    }
    assert all(fault.message for fault in meant.faults.values())


def test_more_filters_than_there_may_be_are_told_and_the_others_hold() -> None:
    keys = tuple(f"k{number}" for number in range(60))
    meant = view_filter(RunsView(search="a b", tag=keys, property=keys, metric=("a > 1",)), "exp", 0)
    assert (len(meant.which.tags), meant.which.properties, len(meant.which.metrics)) == (60, (), 1)
    assert "60 filters by property are too many, 38 fit in" in meant.faults["property"].message
    assert view_filter(RunsView(tag=("a=1", *keys[1:], *(f"a={n}" for n in keys))), "exp", 0).faults == {}


def test_active_is_every_status_that_is_not_the_end() -> None:
    assert view_filter(RunsView(status=("Active",)), None, 0).which.statuses == ALIVE_STATUSES


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "is_end", "moment"),
    [
        ("7d", False, 93 * DAY),
        ("2 w", False, 86 * DAY),
        ("12h", False, 100 * DAY - DAY // 2),
        ("1970-01-03", False, 2 * DAY),
        ("1970-01-03", True, 3 * DAY),
        ("1970-01-03T12:00", True, 2 * DAY + DAY // 2),
        ("1970-01-03 12:00Z", False, 2 * DAY + DAY // 2),
        ("1970-01-03T12:00+12:00", False, 2 * DAY),
    ],
)
def test_a_bound_of_time_is_a_day_a_moment_or_how_long_ago(text: str, is_end: bool, moment: int) -> None:
    assert time_bound(text, 100 * DAY, is_end=is_end) == moment


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "2026-02-30", "9999-12-31", "٣d"])
def test_another_bound_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        time_bound(text, 0, is_end=True)


def test_one_of_the_columns_always_leads_to_the_run() -> None:
    names = [column.name for column in chosen_columns(["target", "unknown", "metric:a:b:max"], of_all_experiments=True)]
    assert names == ["display_name", "target", "metric:a:b:max"]
    assert Column.find("metric:a:b:max") == Column("metric:a:b:max", "a:b", "metric", "a:b", "max")
    assert [Column.find(name) for name in ("metric:a:mean", "metric::last", "tag:", "")] == [None] * 4
