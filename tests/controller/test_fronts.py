"""What other commands do with a sweep: show, wait, cancel, list, queue, delete, restore, prune and repair."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun, kill, until

SCRIPT = """
    import os, time
    from azureml.core import Run
    Run.get_context().log("acc", 1.0)
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.02)
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    running = Mlrun(tmp_path)
    running.environment["GATE"] = str(tmp_path / "gate")
    running.script(SCRIPT)
    yield running
    running.close()


def submit(mlrun: Mlrun, *words: str) -> str:
    line = (
        "run",
        "sweep",
        "--grid",
        "lr=1,2,3",
        "--concurrent",
        "2",
        "--maximize",
        "acc",
        "--async",
        *words,
        "train.py",
    )
    sweep: str = mlrun.json(*line)["run_id"]
    until(lambda: len(mlrun.stored("SELECT 1 FROM runs WHERE status = 'Running' AND parent_key IS NOT NULL")) == 2)
    return sweep


def open_gate(mlrun: Mlrun) -> None:
    Path(mlrun.environment["GATE"]).touch()


def test_a_live_sweep_is_shown_listed_and_takes_no_place_in_a_queue(mlrun: Mlrun) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "two", "--max-nodes", "2")
    sweep = submit(mlrun, "--ct", "two")
    assert mlrun.json("run", "show", "-r", sweep)["status"] == "Running"
    assert [run["run_id"] for run in mlrun.json("run", "list")] == [sweep]
    assert {run["status"] for run in mlrun.json("run", "list", "--parent-run-id", sweep)} == {"Running"}
    assert f'"{sweep}"' not in mlrun("queue", "list").stdout
    assert mlrun.fails("run", "delete", "-r", sweep, "--yes").code == "RunNotEnded"
    open_gate(mlrun)
    assert mlrun.wait(sweep)["status"] == "Completed"


def test_a_sweep_without_a_controller_is_canceled_and_waited_for(mlrun: Mlrun) -> None:
    sweep = submit(mlrun)
    kill(*mlrun.programs("controller/__main__.py"))
    done = mlrun("run", "cancel", "-r", sweep)
    assert "goes on" not in done.stderr
    assert mlrun.wait(sweep)["status"] == "Canceled"
    assert {run["status"] for run in mlrun.json("run", "list", "--parent-run-id", sweep)} == {"Canceled"}


def test_an_ended_sweep_is_deleted_with_its_runs_and_restored(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    before = mlrun.json("run", "show", "-r", sweep)
    mlrun("run", "delete", "-r", sweep, "--yes")
    assert mlrun.json("run", "list") == []
    mlrun("run", "restore", "-r", sweep)
    assert mlrun.json("run", "show", "-r", sweep) == before
    assert len(mlrun.json("run", "list", "--parent-run-id", sweep)) == 3
    assert "All jobs generated" in mlrun("run", "monitor-logs", "-r", sweep).stdout
    assert mlrun.json("run", "rerun", "-r", sweep)["status"] == "Completed"


def test_a_child_run_is_not_deleted_before_its_sweep_has_ended(mlrun: Mlrun) -> None:
    sweep = submit(mlrun)
    mlrun("run", "cancel", "-r", f"{sweep}_0")
    mlrun.wait(f"{sweep}_0")
    failure = mlrun.fails("run", "delete", "-r", f"{sweep}_0", "--yes")
    assert (failure.code, sweep in failure.text) == ("RunNotEnded", True)
    open_gate(mlrun)
    mlrun.wait(sweep)
    mlrun("run", "delete", "-r", f"{sweep}_0", "--yes")
    assert {run["run_id"] for run in mlrun.json("run", "list", "--parent-run-id", sweep)} == {
        f"{sweep}_1",
        f"{sweep}_2",
    }


def test_lists_for_people_have_no_tags_of_what_a_sweep_records(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    mlrun("run", "update", "-r", sweep, "--add-tag", "team=a")
    own = {"team", "generator_config", f"{sweep}_0"}
    assert own <= mlrun.json("run", "show", "-r", sweep)["tags"].keys()
    for words in (("list",), ("show", "-r", sweep), ("wait", "-r", sweep), ("update", "-r", sweep, "--add-tag", "a=b")):
        heading = mlrun("run", *words, "-o", "csv").stdout.splitlines()[0].split(",")
        assert [name for name in heading if name.startswith("tags.")] in (["tags.team"], ["tags.a", "tags.team"])
    compared = mlrun.json("run", "compare", "-r", sweep, "-r", f"{sweep}_0")
    assert {row["name"] for row in compared if row["section"] == "tags"} == {"a", "team"}


def test_groups_with_child_runs_do_not_count_the_run_of_their_sweep(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    words = ("run", "list", "--group-by")
    groups = mlrun.json(*words, "lr", "--include-children", "--metrics", "acc", "--agg", "mean,count")
    assert [(group["group"], group["run_ids"]) for group in groups] == [
        ({"lr": lr}, [f"{sweep}_{lr - 1}"]) for lr in (1, 2, 3)
    ]
    assert [group["metrics"] for group in groups] == [{"acc": {"mean": 1.0, "count": 1}}] * 3
    for with_sweep in (("status",), ("type", "--include-children", "--where", "type = hyperdrive")):
        (group,) = mlrun.json(*words, *with_sweep)
        assert group["run_ids"] == [sweep]


def test_a_condition_that_only_child_runs_meet_names_their_parent(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    listed = mlrun("run", "list", "--where", "acc = 1")
    assert (listed.stdout, f"--parent-run-id {sweep}" in listed.stderr) == ("[]\n", True)
    assert "--include-children" in listed.stderr
    assert len(mlrun.json("run", "list", "--where", "acc = 1", "--include-children")) == 3
    assert len(mlrun.json("run", "list", "--where", "acc = 1", "--parent-run-id", sweep)) == 3
    assert "--parent-run-id" not in mlrun("run", "list", "--where", "acc = 2").stderr


def test_filters_that_only_child_runs_meet_name_their_parent(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    mlrun("run", "update", "-r", f"{sweep}_0", "--add-tag", "team=a")
    for words in (("list",), ("delete", "--all", "--yes")):
        done = mlrun("run", *words, "--tags", "team=a")
        assert (done.stdout, f"--parent-run-id {sweep}" in done.stderr) == ("[]\n", True)
        assert "--parent-run-id" not in mlrun("run", *words, "--tags", "team=b").stderr
    # They have ended, and are not what it is about.
    assert "--parent-run-id" not in mlrun("run", "cancel", "--all", "--tags", "team=a").stderr
    assert mlrun.json("run", "delete", "--all", "--yes", "--tags", "team=a", "--parent-run-id", sweep) == [f"{sweep}_0"]


def test_runs_that_a_command_has_changed_are_the_table_of_the_list(mlrun: Mlrun) -> None:
    open_gate(mlrun)
    sweep = submit_and_wait(mlrun)
    listed = mlrun("run", "list", "-o", "table").stdout.splitlines()[0].split()
    for words in (("wait",), ("cancel",), ("update", "--add-tag", "a=b")):
        head, line = mlrun("run", words[0], "-r", sweep, *words[1:], "-o", "table").stdout.splitlines()
        assert head.split() == listed
        assert sweep in line and "generator_config" not in line


def submit_and_wait(mlrun: Mlrun) -> str:
    words = ("--grid", "lr=1,2,3", "--concurrent", "2", "--maximize", "acc")
    sweep: str = json.loads(mlrun("run", "sweep", *words, "train.py").stdout)["run_id"]
    return sweep


def test_a_live_sweep_goes_on_in_a_store_that_is_made_again(mlrun: Mlrun) -> None:
    sweep = submit(mlrun)
    for file in mlrun.database.parent.glob("workspace.db*"):
        file.unlink()
    mlrun("workspace", "repair")
    open_gate(mlrun)
    record = mlrun.wait(sweep)
    assert record["status"] == "Completed"
    runs = mlrun.json("run", "list", "--parent-run-id", sweep)
    assert [run["status"] for run in runs] == ["Completed"] * 3
    assert record["properties"]["best_child_run_id"] == f"{sweep}_0"


def test_what_a_live_sweep_needs_is_not_pruned(mlrun: Mlrun) -> None:
    sweep = submit(mlrun)
    mlrun("workspace", "prune", "--older-than", "0s", "--yes")
    open_gate(mlrun)
    assert mlrun.wait(sweep)["status"] == "Completed"


@pytest.mark.parametrize("number", ["0", "1"])
def test_a_child_of_a_live_sweep_is_not_ended_by_a_deletion_that_is_refused(mlrun: Mlrun, number: str) -> None:
    sweep = submit(mlrun)
    failure = mlrun.fails("run", "delete", "-r", f"{sweep}_{number}", "--force", "--yes")
    assert (failure.code, failure.target) == ("RunNotEnded", sweep)
    assert mlrun.stored_status(f"{sweep}_{number}") == "Running"
    mlrun("run", "delete", "-r", sweep, "--force", "--yes")
    assert mlrun.json("run", "list") == []
