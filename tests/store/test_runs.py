from __future__ import annotations

import pytest

from mlrun_cli.errors import AmbiguousRunId, RunNotFound
from mlrun_cli.runs.filter import TERMS, RunFilter, TagFilter, parse_filter
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.journals import JournalStore
from mlrun_cli.store.runs.run_store import RunStore
from tests.store.conftest import AddRun


def ids(runs: RunStore, which: RunFilter) -> list[str]:
    return [run.run_id for run in runs.list(which)]


def test_a_run_comes_back_as_it_was_inserted(runs: RunStore, add_run: AddRun) -> None:
    add_run(
        "a_1", script_name="train.py", definition={"script": "train.py"}, host_id="h", boot_id="b", pid_namespace="4"
    )

    run = runs.get("a_1")

    assert (run.run_id, run.run_number, run.experiment_name) == ("a_1", 1, "first")
    assert (run.status, run.script_name, run.definition) == (RunStatus.RUNNING, "train.py", {"script": "train.py"})
    assert run.origin is not None
    assert (run.origin.host_id, run.origin.boot_id, run.origin.pid_namespace) == ("h", "b", "4")
    assert (run.root_run_id, run.root_run_uuid, run.parent_run_id) == ("a_1", run.run_uuid, None)


def test_run_numbers_count_within_an_experiment(runs: RunStore, add_run: AddRun) -> None:
    for run_id, experiment_name in (("a_1", "first"), ("b_1", "second"), ("a_2", "first")):
        add_run(run_id, experiment_name=experiment_name)

    assert [runs.get(run_id).run_number for run_id in ("a_1", "b_1", "a_2")] == [1, 1, 2]


def test_an_unknown_run_is_not_found(runs: RunStore) -> None:
    with pytest.raises(RunNotFound, match="'nope'"):
        runs.get("nope")


@pytest.mark.parametrize(("prefix", "whole"), [("a_1", "a_1"), ("a_12", "a_12"), ("b", "b_1"), ("ü", "üb_1")])
def test_a_unique_beginning_or_a_whole_id_is_resolved(runs: RunStore, add_run: AddRun, prefix: str, whole: str) -> None:
    for run_id in ("a_1", "a_12", "a_13", "b_1", "üb_1"):
        add_run(run_id)

    assert runs.resolve_id(prefix) == whole


def test_an_ambiguous_beginning_lists_its_candidates(runs: RunStore, add_run: AddRun) -> None:
    add_run("a_12")
    add_run("a_13")

    with pytest.raises(AmbiguousRunId, match="a_12, a_13"):
        runs.resolve_id("a_1")


@pytest.mark.parametrize("prefix", ["%", "_", "a_1%"])
def test_a_beginning_is_no_pattern(runs: RunStore, add_run: AddRun, prefix: str) -> None:
    add_run("a_12")

    with pytest.raises(RunNotFound):
        runs.resolve_id(prefix)


def test_listing_is_newest_first_and_bounded(runs: RunStore, add_run: AddRun) -> None:
    for number in range(5):
        add_run(f"a_{number}")

    assert ids(runs, RunFilter(last=3)) == ["a_4", "a_3", "a_2"]
    assert ids(runs, RunFilter()) == ["a_4", "a_3", "a_2", "a_1", "a_0"]


OTHER_TEXTS = {
    "experiment": "other",
    "metric": "loss > 1",
    "parameter": "lr > 1",
    "parent": "other",
    "property": "other",
    "search": "other",
    "since": "2099-01-01",
    "status": "failed",
    "submitter": "other",
    "tag": "other",
    "target": "other",
    "type": "other",
    "until": "2001-01-01",
    "where": "name = other",
}


@pytest.mark.parametrize("word", TERMS)
def test_each_word_of_the_filter_language_has_a_condition(word: str, runs: RunStore, add_run: AddRun) -> None:
    add_run("first_1")

    parsed = parse_filter({word: [OTHER_TEXTS[word]]}, 0)

    assert not parsed.faults
    assert runs.list(RunFilter())
    assert not runs.list(parsed.which)


def test_filters_hold_all_at_once(runs: RunStore, add_run: AddRun) -> None:
    parent = add_run("parent")
    add_run("child", parent_key=parent)
    add_run("failed", status=RunStatus.FAILED)
    add_run("elsewhere", target="gpu", status=RunStatus.FAILED)
    add_run("other", experiment_name="second", status=RunStatus.FAILED)

    assert ids(runs, RunFilter(experiment_name="first")) == ["elsewhere", "failed", "parent"]
    assert ids(runs, RunFilter(parent_run_id="parent")) == ["child"]
    assert ids(runs, RunFilter(statuses=frozenset({RunStatus.FAILED}), experiment_name="first", target="gpu")) == [
        "elsewhere"
    ]
    assert ids(runs, RunFilter(statuses=frozenset({RunStatus.FAILED, RunStatus.RUNNING}))) == [
        "other",
        "elsewhere",
        "failed",
        "parent",
    ]


def test_tags_are_filtered_by_key_and_by_value(runs: RunStore, add_run: AddRun) -> None:
    good, bad, bare = add_run("good"), add_run("bad"), add_run("bare")
    runs.set_tags(good, {"quality": "good", "x": "1"})
    runs.set_tags(bad, {"quality": "bad"})
    runs.set_tags(bare, {"quality": None, "x": "1"})

    assert ids(runs, RunFilter(tags=(TagFilter("quality", any_value=True),))) == ["bare", "bad", "good"]
    assert ids(runs, RunFilter(tags=(TagFilter("quality", "good"),))) == ["good"]
    assert ids(runs, RunFilter(tags=(TagFilter("quality", any_value=True), TagFilter("x", "1")))) == ["bare", "good"]


def test_a_tag_that_very_many_runs_have_is_filtered_by_too(database: Database, runs: RunStore, add_run: AddRun) -> None:
    keys = [add_run(f"a_{number}") for number in range(3)]
    database.insert_many("run_tags", ("run_key", "key", "value"), [(10_000 + n, "common", "1") for n in range(3000)])
    runs.set_tags(keys[0], {"common": "1"})
    runs.set_tags(keys[2], {"common": "2"})

    assert ids(runs, RunFilter(tags=(TagFilter("common", any_value=True),))) == ["a_2", "a_0"]
    assert ids(runs, RunFilter(tags=(TagFilter("common", "1"),))) == ["a_0"]


def test_a_status_changes_only_from_where_it_was_expected(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1")

    with database.transaction():
        assert runs.change_status(key, {RunStatus.RUNNING}, RunStatus.FINALIZING)
        assert not runs.change_status(key, {RunStatus.RUNNING}, RunStatus.CANCELED)

    assert runs.find_status(key) is RunStatus.FINALIZING
    assert [status for status, _ in runs.list_status_changes(key)] == [RunStatus.RUNNING, RunStatus.FINALIZING]


def test_a_terminal_status_never_changes(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1", status=RunStatus.COMPLETED)

    with database.transaction():
        assert not runs.change_status(key, ALIVE_STATUSES, RunStatus.FAILED)

    assert runs.find_status(key) is RunStatus.COMPLETED


def test_only_what_has_left_its_queue_and_has_not_ended_is_alive(runs: RunStore, add_run: AddRun) -> None:
    for status in RunStatus:
        add_run(status.value, status=status)

    assert {run.status for run in runs.list_supervised_runs()} == ALIVE_STATUSES - {RunStatus.QUEUED}


def test_tags_are_set_changed_and_removed(runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1")
    runs.set_tags(key, {"a": "1", "b": None})
    runs.set_tags(key, {"a": "2"})
    runs.remove_tags(key, ["b", "never there"])

    assert runs.get_tags(key) == {"a": "2"}
    assert runs.get("a_1").tags == {"a": "2"}


def test_properties_are_written_once(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1")
    with database.transaction():
        assert runs.add_properties(key, {"author": "x"}) == {}
        assert runs.add_properties(key, {"author": "x", "more": "1"}) == {}
        assert runs.add_properties(key, {"author": "y", "never": "2"}) == {"author": "x"}

    assert runs.get_properties(key) == {"author": "x", "more": "1"}


def test_a_deleted_run_leaves_nothing(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key, other = add_run("a_1", status=RunStatus.FAILED), add_run("a_2", status=RunStatus.FAILED)
    for each in (key, other):
        runs.set_tags(each, {"a": "1"})
        with database.transaction():
            runs.add_properties(each, {"p": "1"})
            JournalStore(database).advance(each, "j", 0, 10)

    with database.transaction():
        assert runs.delete(key)

    for table in ("runs", "run_tags", "run_properties", "status_changes", "journals"):
        left = database.rows(f"SELECT DISTINCT run_key FROM {table}")
        assert [row["run_key"] for row in left] == [other], table


def test_a_live_run_is_not_deleted(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1")

    with database.transaction():
        assert not runs.delete(key)

    assert runs.find_status(key) is RunStatus.RUNNING
