from __future__ import annotations

import math
import random
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.order import COLUMNS, RunOrder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.metrics import MetricStore
from mlrun_cli.store.rebuild_documents import RebuildDocumentStore
from mlrun_cli.store.runs.page_store import RunPageStore
from mlrun_cli.store.runs.rows import DURATION
from mlrun_cli.store.runs.run_store import RunStore
from tests.store.conftest import AddRun

EVERYTHING = RunFilter(include_children=True)


@pytest.fixture
def pages(database: Database, runs: RunStore) -> RunPageStore:
    return RunPageStore(database, runs)


def ids(pages: RunPageStore, which: RunFilter = EVERYTHING, order: str = "-created", **page: int) -> list[str]:
    return [run.run_id for run in pages.list_page(which, RunOrder.parse(order), **{"limit": 100, **page})]


def log(database: Database, run_key: int, name: str, *values: Any) -> None:
    with database.transaction():
        MetricStore(database).add(run_key, [LoggedValue(VALUE, name, 1, None, value, None) for value in values])


def test_pages_follow_each_other_newest_first(pages: RunPageStore, add_run: AddRun) -> None:
    for number in range(5):
        add_run(f"a_{number}")

    assert ids(pages, limit=2) == ["a_4", "a_3"]
    assert ids(pages, limit=2, offset=2) == ["a_2", "a_1"]
    assert ids(pages, limit=2, offset=4) == ["a_0"]
    assert ids(pages, order="created", limit=2) == ["a_0", "a_1"]


def test_child_runs_are_shown_when_they_are_asked_for(pages: RunPageStore, add_run: AddRun) -> None:
    parent = add_run("parent")
    add_run("child", parent_key=parent)

    assert ids(pages, RunFilter()) == ["parent"]
    assert ids(pages, RunFilter(parent_run_id="parent")) == ["child"]
    assert ids(pages, EVERYTHING) == ["child", "parent"]


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("started", {"started_at": (5, 9, None, 7)}),
        ("duration", {"duration_seconds": (5.0, 9.0, None, 7.0)}),
        ("display_name", {"display_name": ("b", "d", None, "c")}),
        ("description", {"description": ("b", "d", None, "c")}),
        ("target", {"target": ("b", "d", None, "c")}),
    ],
)
def test_runs_without_a_value_come_last_in_either_direction(
    pages: RunPageStore, add_run: AddRun, column: str, values: dict[str, tuple[object, ...]]
) -> None:
    for number in range(4):
        add_run(f"a_{number}", **{name: each[number] for name, each in values.items()})
    add_run("a_4", **dict.fromkeys(values))

    assert ids(pages, order=column) == ["a_0", "a_3", "a_1", "a_4", "a_2"]
    assert ids(pages, order=f"-{column}") == ["a_1", "a_3", "a_0", "a_4", "a_2"]
    assert [ids(pages, order=column, limit=2, offset=offset) for offset in (2, 3, 4, 5)] == [
        ["a_1", "a_4"],
        ["a_4", "a_2"],
        ["a_2"],
        [],
    ]


def test_a_page_by_start_has_all_runs_of_its_last_millisecond(
    pages: RunPageStore, add_run: AddRun, database: Database
) -> None:
    for number, started in enumerate((2500, None, 4001, 4900, 4000, 9000)):
        add_run(f"a_{number}", started_at=started, created_at=1000 + number if started else 4002)
    add_run("other", experiment_name="second", started_at=9500)
    (first,) = database.column("SELECT experiment_key FROM experiments WHERE name = 'first'")

    found, before = [], None
    while True:
        runs, before = pages.list_last_started_runs([first], 2, before)
        found.append(sorted(run.run_id for run in runs))
        if before is None:
            break
    assert found == [["a_1", "a_2", "a_3", "a_4", "a_5"], ["a_0"]]
    assert pages.list_last_started_runs([], 2) == ([], None)


@pytest.mark.usefixtures("_size")
def test_runs_that_still_run_are_sorted_by_how_long_they_have_run(pages: RunPageStore, add_run: AddRun) -> None:
    begun = now()
    for number, seconds in enumerate((5, 100, 2000, 40_000, 700_000)):
        add_run(f"ended_{number}", status=RunStatus.COMPLETED, duration_seconds=float(seconds))
    for number, seconds in enumerate((50, 1000, 20_000)):
        add_run(f"runs_{number}", started_at=begun - seconds * MICROSECONDS)
    add_run("finalizes", status=RunStatus.FINALIZING, started_at=0, ended_at=60 * MICROSECONDS)
    add_run("waits", status=RunStatus.QUEUED)
    add_run("never_began", status=RunStatus.CANCELED)

    rising = ["ended_0", "runs_0", "finalizes", "ended_1", "runs_1", "ended_2", "runs_2", "ended_3", "ended_4"]
    lacking = ["never_began", "waits"]
    for order, expected in (("duration", [*rising, *lacking]), ("-duration", [*rising[::-1], *lacking])):
        assert ids(pages, order=order) == expected
        for size in (1, 2, 3, 5):
            paged = [ids(pages, order=order, limit=size, offset=offset) for offset in range(0, len(expected) + 2, size)]
            assert [run_id for page in paged for run_id in page] == expected, (order, size)
    is_running = RunFilter(statuses=frozenset({RunStatus.RUNNING}))
    assert ids(pages, is_running, order="-duration", limit=2, offset=1) == ["runs_1", "runs_0"]


def test_no_run_lasts_less_than_no_time_although_the_clock_of_its_end_is_behind_that_of_its_start(
    database: Database, runs: RunStore, add_run: AddRun
) -> None:
    behind = add_run("behind", started_at=9 * MICROSECONDS)
    add_run("at_once", status=RunStatus.COMPLETED, duration_seconds=0.0)
    with database.transaction():
        runs.change_status(behind, {RunStatus.RUNNING}, RunStatus.FAILED, ended_at=2 * MICROSECONDS)
    assert runs.get("behind").ended_at == 9 * MICROSECONDS
    assert list(database.column(f"SELECT {DURATION} FROM runs")) == [0.0, 0.0]


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("column", COLUMNS)
def test_runs_that_are_equal_keep_the_order_in_which_they_were_made(
    pages: RunPageStore, add_run: AddRun, column: str
) -> None:
    for number in range(4):
        add_run(f"a_{number}", started_at=1, created_at=1, ended_at=2, display_name="n", description="d")

    assert ids(pages, order=column) == ["a_0", "a_1", "a_2", "a_3"]
    assert ids(pages, order=f"-{column}") == ["a_3", "a_2", "a_1", "a_0"]


@pytest.mark.usefixtures("_size")
def test_runs_are_sorted_by_what_hangs_on_them(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    keys = [add_run(f"a_{number}") for number in range(4)]
    for key, value in ((keys[0], "b"), (keys[1], "a"), (keys[3], None)):
        runs.set_tags(key, {"k": value})
    with database.transaction():
        runs.add_properties(keys[2], {"k": "only"})
    log(database, keys[0], "loss", 1.0, 5.0, 3.0)
    log(database, keys[1], "loss", 2.0)
    log(database, keys[2], "loss", math.nan)
    log(database, keys[3], "diverged", 1.0, math.nan)

    assert ids(pages, order="tag:k") == ["a_1", "a_0", "a_3", "a_2"]
    assert ids(pages, order="-tag:k") == ["a_0", "a_1", "a_3", "a_2"]
    assert ids(pages, order="property:k") == ["a_2", "a_3", "a_1", "a_0"]
    assert ids(pages, order="metric:loss:last") == ["a_1", "a_0", "a_3", "a_2"]
    assert ids(pages, order="metric:loss:min") == ["a_0", "a_1", "a_3", "a_2"]
    assert ids(pages, order="-metric:loss:max") == ["a_0", "a_1", "a_3", "a_2"]
    assert ids(pages, order="-metric:loss:max", limit=2, offset=1) == ["a_1", "a_3"]
    assert ids(pages, order="metric:diverged:last") == ["a_3", "a_2", "a_1", "a_0"]
    assert ids(pages, order="-metric:never:max") == ["a_3", "a_2", "a_1", "a_0"]


@pytest.mark.usefixtures("_size")
def test_tags_and_properties_are_sorted_as_numbers_then_as_texts(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    rising = ["-3", "1e-3", "0.5", "2", "9", "10", "10", "100", "1e3", "", "2024-01-05", "9 layers", "adam"]
    order = [7, 12, 3, 9, 5, 0, 10, 6, 1, 11, 8, 2, 4]
    for place in order:
        key = add_run(f"a_{place}")
        runs.set_tags(key, {"k": rising[place]})
        with database.transaction():
            runs.add_properties(key, {"k": rising[place]})
    lacking = add_run("lacking")
    runs.set_tags(lacking, {"other": "1"})

    expected = [f"a_{place}" for place in range(len(rising))]
    for column in ("tag:k", "property:k"):
        assert ids(pages, order=column) == [*expected, "lacking"]
        assert ids(pages, order=f"-{column}") == [*expected[::-1], "lacking"]
        paged = [ids(pages, order=column, limit=4, offset=offset) for offset in range(0, 16, 4)]
        assert [run_id for page in paged for run_id in page] == [*expected, "lacking"]


@pytest.mark.usefixtures("_size")
def test_runs_are_sorted_by_the_name_of_their_experiment(pages: RunPageStore, add_run: AddRun) -> None:
    for number, name in enumerate(("second", "first", "second")):
        add_run(f"a_{number}", experiment_name=name)

    assert ids(pages, RunFilter(), order="experiment") == ["a_1", "a_0", "a_2"]
    assert ids(pages, RunFilter(), order="-experiment") == ["a_2", "a_0", "a_1"]


@pytest.mark.usefixtures("_size")
def test_each_filter_leaves_out_what_it_does_not_mean(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    parent = add_run("old", created_at=10, user_name="ann", target="gpu", status=RunStatus.FAILED)
    add_run("child", created_at=20, parent_key=parent, status=RunStatus.COMPLETED, run_type="step")
    other = add_run("new", created_at=30, experiment_name="second", status=RunStatus.COMPLETED)
    runs.set_tags(other, {"k": "v"})
    with database.transaction():
        runs.add_properties(other, {"p": "v"})
    log(database, parent, "loss", 0.5)

    for order in ("-created", "-started", "-run_number", "-experiment", "-metric:loss:last"):
        for which, expected in (
            (RunFilter(experiment_name="first", include_children=True), {"old", "child"}),
            (RunFilter(parent_run_id="old"), {"child"}),
            (RunFilter(parent_run_id="old", is_recursive=True), {"child"}),
            (RunFilter(run_type="step", include_children=True), {"child"}),
            (RunFilter(submitter="ann"), {"old"}),
            (RunFilter(target="gpu"), {"old"}),
            (RunFilter(any_of={"target": frozenset({"gpu", "cpu"})}), {"old"}),
            (RunFilter(any_of={"target": frozenset({"gpu"})}), {"old"}),
            (RunFilter(any_of={"experiment": frozenset({"second"})}), {"new"}),
            (RunFilter(any_of={"experiment": frozenset({"second", "third"})}), {"new"}),
            (RunFilter(any_of={"submitter": frozenset({"ann", "bo"}), "type": frozenset({"step"})}), set()),
            (RunFilter(created_from=10, created_until=20), {"old"}),
            (RunFilter(created_from=20, include_children=True), {"child", "new"}),
            (RunFilter(statuses=frozenset({RunStatus.FAILED})), {"old"}),
            (RunFilter(statuses=frozenset({RunStatus.FAILED, RunStatus.COMPLETED})), {"old", "new"}),
            (RunFilter(tags=(TagFilter("k", "v"),)), {"new"}),
            (RunFilter(tags=(TagFilter("k", "u", or_values=("v", "w")),)), {"new"}),
            (RunFilter(tags=(TagFilter("k", "u", or_values=("w",)),)), set()),
            (RunFilter(properties=(TagFilter("p", any_value=True),)), {"new"}),
            (RunFilter(metrics=(MetricFilter("loss", "<", 1),)), {"old"}),
            (RunFilter(text="sec"), {"new"}),
            (RunFilter(text="new", experiment_name="first"), set()),
        ):
            assert set(ids(pages, which, order)) == expected, (which, order)
            assert pages.count(which) == len(expected), which


def test_runs_with_child_runs_are_told_from_the_others(pages: RunPageStore, add_run: AddRun) -> None:
    parent, other = add_run("parent"), add_run("other")
    child = add_run("child", parent_key=parent)

    assert pages.list_keys_with_children([parent, other, child, 99]) == {parent}
    assert pages.list_keys_with_children([]) == frozenset()


@pytest.mark.usefixtures("_size")
def test_a_status_is_what_a_look_at_the_run_found(pages: RunPageStore, add_run: AddRun) -> None:
    lost = add_run("lost")
    add_run("running")
    add_run("failed", status=RunStatus.FAILED)

    def having(*statuses: RunStatus) -> list[str]:
        return ids(pages, RunFilter(statuses=frozenset(statuses), not_responding=frozenset({lost})))

    assert having(RunStatus.RUNNING) == ["running"]
    assert having(RunStatus.NOT_RESPONDING) == ["lost"]
    assert having(RunStatus.NOT_RESPONDING, RunStatus.FAILED) == ["failed", "lost"]
    assert having(RunStatus.RUNNING, RunStatus.FAILED) == ["failed", "running"]
    assert ids(pages, RunFilter(statuses=frozenset({RunStatus.NOT_RESPONDING}))) == []


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("m > 1", ["b", "c"]),
        ("m >= 1", ["a", "b", "c"]),
        ("m < 2", ["a"]),
        ("m <= 2", ["a", "b"]),
        ("m = 2", ["b"]),
        ("m != 2", ["a", "c", "diverged", "no number"]),
        ("m >= inf", ["c"]),
        ("min(m) = 0", ["a", "b", "c"]),
        ("max(m) > 8", ["c"]),
        ("max(m) = 6", ["diverged"]),
    ],
)
def test_a_metric_compares_with_a_number(
    database: Database, pages: RunPageStore, add_run: AddRun, typed: str, expected: list[str]
) -> None:
    for name, last in (("a", 1), ("b", 2.0), ("c", math.inf)):
        log(database, add_run(name), "m", 0, last)
    log(database, add_run("no number"), "m", math.nan)
    diverged = add_run("diverged")
    for values in ((5, 6), (5, math.nan), (math.nan,)):
        log(database, diverged, "m", *values)
    log(database, add_run("text"), "m", "2")
    log(database, add_run("another metric"), "n", 2)

    assert sorted(ids(pages, RunFilter(metrics=(MetricFilter.parse(typed),)))) == expected


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize(
    "text",
    [
        "first",
        "someone",
        "RUN_7",
        "trial",
        "überraschung",
        "model",
        "resnet",
        "res net50 ÜBER",
        "t50",
        "7",
        "%",
        '"quoted"',
        "o'c",
        "NEAR(a)",
        'so"said',
        "new\0line",
    ],
)
def test_a_text_is_found_wherever_it_stands(runs: RunStore, pages: RunPageStore, add_run: AddRun, text: str) -> None:
    description = 'Eine Überraschung, 100% "quoted" o\'clock near(a) so"said\nnew line'
    key = add_run("run_7", display_name="Trial one", description=description)
    runs.set_tags(key, {"model": "ResNet50", "bare": None})
    add_run("z", experiment_name="else", user_name="me")

    assert ids(pages, RunFilter(text=text)) == ["run_7"]
    assert pages.count(RunFilter(text=text)) == 1


@pytest.mark.parametrize("text", ["first nowhere", "x_x", "tag:model", "model OR nowhere", "x%", "run_texts", "*"])
def test_a_text_that_stands_nowhere_is_not_found(
    runs: RunStore, pages: RunPageStore, add_run: AddRun, text: str
) -> None:
    runs.set_tags(add_run("run_7"), {"model": "ResNet50"})

    assert ids(pages, RunFilter(text=text)) == []


def test_a_text_is_found_as_it_is_by_now(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    key = add_run("run_7", status=RunStatus.FAILED)
    runs.set_tags(key, {"quality": "poor", "other": "stays"})
    runs.update(key, display_name="before")
    assert [ids(pages, RunFilter(text=text)) for text in ("poor", "before", "first")] == [["run_7"]] * 3

    runs.set_tags(key, {"quality": "good"})
    runs.update(key, display_name="after", description="words")
    ExperimentStore(database, Redactor()).update(1, name="renamed")
    assert [ids(pages, RunFilter(text=text)) for text in ("poor", "before", "first")] == [[]] * 3
    assert ids(pages, RunFilter(text="good after words renamed stays")) == ["run_7"]

    runs.remove_tags(key, ["quality"])
    assert ids(pages, RunFilter(text="good")) == []
    with database.transaction():
        runs.delete(key)
    assert ids(pages, RunFilter(text="after")) == []
    assert database.rows("SELECT rowid FROM run_texts") == []


def test_texts_agree_with_many_tags_changed_at_once(database: Database, runs: RunStore, add_run: AddRun) -> None:
    keys = [add_run(f"run_{number}", definition={"arguments": [f"--lr={number}"]}) for number in range(3)]
    chance = random.Random(5)
    wanted: dict[int, dict[str, str | None]] = {key: {} for key in keys}
    for _ in range(60):
        key = chance.choice(keys)
        tags = {f"t{chance.randrange(30)}": chance.choice(["a", "b", None]) for _ in range(chance.randrange(4))}
        removed = [f"t{chance.randrange(30)}" for _ in range(chance.randrange(4))]
        fails = chance.random() < 0.3
        with pytest.raises(KeyError) if fails else nullcontext(), database.transaction():
            runs.set_tags(key, tags)
            runs.remove_tags(key, removed)
            if fails:
                raise KeyError
        if not fails:
            wanted[key] = {name: each for name, each in {**wanted[key], **tags}.items() if name not in removed}

        rows = database.rows("SELECT rowid AS key, own, tags FROM run_texts ORDER BY rowid")
        assert [row["key"] for row in rows] == keys
        for row in rows:
            assert f"lr={keys.index(row['key'])}" in row["own"]
            lines = [f"{name} {value or ''}" for name, value in wanted[row["key"]].items()]
            assert sorted(row["tags"].split("\n") if row["tags"] else []) == sorted(lines)
        database.execute("INSERT INTO run_texts (run_texts) VALUES ('integrity-check')")


def test_counting_ends_at_its_bound(pages: RunPageStore, add_run: AddRun) -> None:
    for number in range(5):
        add_run(f"a_{number}", status=RunStatus.RUNNING if number % 2 else RunStatus.FAILED)

    assert pages.count(RunFilter()) == 5
    assert pages.count(RunFilter(), limit=3) == 3
    assert pages.count_active_runs(RunFilter()) == 2
    assert pages.count_active_runs(RunFilter(experiment_name="second")) == 0


def test_what_can_be_chosen_is_listed_once(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    assert pages.list_values("target") == []
    for number, target in enumerate(("gpu", "cpu", None, "gpu")):
        key = add_run(f"a_{number}", target=target, user_name=f"user{number % 2}")
        runs.set_tags(key, {"model": f"m{number % 2}", f"k{number}": None})
        with database.transaction():
            runs.add_properties(key, {"p": "1"})

    assert pages.list_values("target") == ["cpu", "gpu"]
    assert pages.list_values("submitter") == ["user0", "user1"]
    assert len(pages.list_values("type")) == 1
    assert pages.list_tag_keys(10) == ["k0", "k1", "k2", "k3", "model"]
    assert pages.list_tag_keys(2) == ["k0", "k1"]
    assert pages.list_property_keys(10) == ["p"]


def test_tags_in_which_a_sweep_keeps_its_own_documents_are_not_to_be_chosen(
    runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    own = {"policy_config": "{}", "HD_1_0": "{}", "HD_1_1": "{}", "mine_0": "{}", "mlflow.loggedModels": "[]"}
    runs.set_tags(add_run("HD_1", run_type="hyperdrive"), {**own, "HD_1": "a", "HD_screen": "4k", "team": "a"})
    runs.set_tags(add_run("HD_1_0"), {"HD_10": "b", "mlflow.loggedModels": "[]"})
    assert pages.list_tag_keys(10) == ["HD_1", "HD_10", "HD_screen", "mine_0", "team"]
    runs.set_tags(add_run(sweep := f"HD_{uuid4()}", run_type="hyperdrive"), {f"{sweep}_0": "{}"})
    runs.set_tags(add_run("mine", run_type="hyperdrive"), own)
    runs.set_tags(add_run("other"), {"HD_1_0": "a"})
    assert pages.list_tag_keys(3) == ["HD_1", "HD_10", "HD_1_0"]


def test_each_change_of_a_status_is_a_newer_one(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    assert pages.get_newest_change_key() == 0
    key = add_run("a_1")
    seen = pages.get_newest_change_key()
    assert seen > 0

    with database.transaction():
        runs.change_status(key, {RunStatus.RUNNING}, RunStatus.FINALIZING)
        runs.change_status(key, {RunStatus.FINALIZING}, RunStatus.COMPLETED)

    assert pages.get_newest_change_key() == seen + 2


def test_children_in_bulk_have_new_keys_and_are_found_by_their_tags(
    database: Database, runs: RunStore, pages: RunPageStore, add_run: AddRun
) -> None:
    add_run("a_1")
    deleted = add_run("a_2")
    columns: dict[str, Any] = {"run_type": SCRIPT_RUN, "user_name": "someone", "status": RunStatus.RUNNING}
    with database.transaction():
        RebuildDocumentStore(database).delete_run(deleted)
        runs.insert_children(runs.get("a_1"), 3, ["a_3", "a_4"], ("size", ["slow", "quick"]), **columns)

    found = pages.list_page(RunFilter(text="size quick", include_children=True), limit=10)
    assert [(run.run_id, run.tags, run.key > deleted) for run in found] == [("a_4", {"size": "quick"}, True)]
