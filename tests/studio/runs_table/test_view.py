"""What stands in the address of a page of runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.runs.filter import TERMS
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.studio.runs_table.columns import Column, select_columns
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.studio.runs_table.view_filter import parse_view_filter

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TEXTS = st.lists(TEXT, max_size=4, unique=True).map(tuple)


@settings(max_examples=50)
@given(TEXT.map(str.strip).filter(bool), TEXTS)
def test_a_view_is_read_as_it_was_written(text: str, texts: tuple[str, ...]) -> None:
    filters = {"search": (text,), "tag": (text,)}
    view = RunsView(filters, columns=texts, chart=texts, select=texts, sort=text, page=3, children=True)
    assert RunsView.parse(view.to_query()) == view


def test_what_an_address_cannot_mean_is_left_out() -> None:
    assert RunsView.parse("page=-1&size=7&hide=maybe&children=yes&unknown=1&status=&columns=,,") == RunsView()
    assert RunsView.parse("page=99999999999999999999").page == 1
    assert RunsView().to_query() == ""


@pytest.mark.parametrize("word", [word for word in TERMS if word != "parent"])
def test_each_word_of_the_filter_language_is_a_parameter_but_that_for_child_runs(word: str) -> None:
    view = RunsView.parse(f"{word}=x")

    assert view.list_filters() == [(word, "x")]
    assert view.without_filters() == RunsView()


def test_a_box_for_one_value_has_the_last_and_a_menu_has_several() -> None:
    view = RunsView.parse("since=7d&since=1h&target=cpu&target=gpu")

    assert view.filters == {"since": ("1h",), "target": ("cpu", "gpu")}


def test_a_change_leads_to_the_first_page() -> None:
    view = RunsView({"status": ("Failed",)}, page=7)
    assert view.replace(size=25) == RunsView({"status": ("Failed",)}, size=25)
    assert view.with_value("search", "x") == RunsView({"search": ("x",), "status": ("Failed",)})
    assert view.with_toggled_value("status", "Failed") == RunsView()
    assert view.with_toggled_value("status", "Queued").get_filter_values("status") == ("Failed", "Queued")
    assert view.replace(page=8).page == 8
    assert view.without_filters() == RunsView()


def test_filters_that_mean_nothing_are_named_and_the_others_hold() -> None:
    filters = {
        "search": ("word " * 51,),
        "status": ("Failed", "Fantastic"),
        "metric": ("a > 1", "b >> 2"),
        "tag": ("=x",),
        "since": ("yesterday",),
    }
    view = RunsView(filters, sort="-nothing")
    meant = parse_view_filter(view, "exp", 0)
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
    filters = {"search": ("a b",), "tag": keys, "property": keys, "metric": ("a > 1",)}
    meant = parse_view_filter(RunsView(filters), "exp", 0)
    assert (len(meant.which.tags), meant.which.properties, len(meant.which.metrics)) == (60, (), 1)
    assert {"60", "37"} <= set(meant.faults["property"].message.split())
    same_key = ("a=1", *keys[1:], *(f"a={number}" for number in keys))
    assert parse_view_filter(RunsView({"tag": same_key}), "exp", 0).faults == {}


def test_active_is_every_status_that_is_not_the_end() -> None:
    assert parse_view_filter(RunsView({"status": ("Active",)}), None, 0).which.statuses == ALIVE_STATUSES


def test_one_of_the_columns_always_leads_to_the_run() -> None:
    names = [column.name for column in select_columns(["target", "unknown", "metric:a:b:max"], all_experiments=True)]
    assert names == ["display_name", "target", "metric:a:b:max"]
    assert Column.find("metric:a:b:max") == Column("metric:a:b:max", "a:b", "metric", "a:b", "max")
    assert [Column.find(name) for name in ("metric:a:mean", "metric::last", "tag:", "")] == [None] * 4
