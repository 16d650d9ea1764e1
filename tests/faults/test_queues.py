"""Runs that wait for a place on their target: in order, and what is said of those that wait."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.queues import dispatchers, ended, go, make_target, started, submit
from tests.running import Mlrun, until


def test_no_more_than_a_target_has_nodes_run_at_once_and_the_others_in_their_order(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(6)]
    until(lambda: len(started(order)) == 2)
    for run_id in run_ids[:2]:
        mlrun.wait_for_status(run_id, "Running")
    records = {record["run_id"]: record for record in mlrun.json("run", "list")}
    assert [records[run_id]["status"] for run_id in run_ids] == ["Running"] * 2 + ["Queued"] * 4
    assert records[run_ids[4]]["waiting_for"] == "2 runs before it, 2 of the 2 nodes of 'cpu-cluster' taken"
    assert mlrun.history(run_ids[4]) == ["NotStarted", "Queued"]
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 6
    assert sorted(started(order)) == [1, 2, 3, 4, 5, 6]
    assert set(started(order)[:2]) == {1, 2}
    assert set(started(order)[2:4]) <= {3, 4, 5}
    until(lambda: not dispatchers(mlrun))


def test_who_streams_a_queued_run_is_told_what_it_waits_for_and_when_that_changes(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    told = mlrun.folder.parent / "told"
    streamed = ["sh", "-c", 'exec "$0" "$@" 2>"$TOLD"', *mlrun.command, "run"]
    mlrun.environment["TOLD"] = str(told)
    with ThreadPoolExecutor() as threads:
        submitted = threads.submit(mlrun.run, *streamed, "submit-script", "--ct", "cpu-cluster", "train.py")
        try:
            until(lambda: told.exists() and "\nQueued: 1 run before it, 2 of the 2 nodes of " in told.read_text())
            mlrun("run", "cancel", "-r", run_ids[2])
            until(lambda: "\nQueued: 2 of the 2 nodes of 'cpu-cluster' taken.\n" in told.read_text())
        finally:
            go(order)
    assert submitted.result().returncode == 0


def test_a_queued_run_is_canceled_at_once_and_leaves_no_secrets(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    secrets = mlrun.run_folder(run_ids[2]) / "secrets.json"
    assert secrets.exists()
    assert mlrun.json("run", "cancel", "-r", run_ids[2])["status"] == "Canceled"
    assert not secrets.exists()
    go(order)
    assert ended(mlrun, run_ids) == ["Completed", "Completed", "Canceled"]
    assert sorted(started(order)) == [1, 2]


def test_a_run_that_can_never_have_its_place_is_refused(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 3}
    (mlrun.folder / "large.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    refused = mlrun.fails("run", "submit-script", "-c", "large")
    assert (refused.code, refused.target) == ("NotEnoughNodes", "cpu-cluster")
    assert re.search(r"nodeCount: 3 .*'cpu-cluster' .* 2\b", refused.message)
    assert started(order) == []


def test_a_target_with_more_nodes_than_can_be_counted_runs_all_that_is_sent_to_it(mlrun: Mlrun, order: Path) -> None:
    mlrun.execute("UPDATE compute_targets SET definition = replace(definition, ?, ?)", '": 2', f'": {10**20}')
    assert str(10**20) in mlrun("computetarget", "show", "-n", "cpu-cluster").stdout
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 3)
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 3
    make_target(mlrun, "cpu-cluster", 1)


def test_what_would_take_a_place_from_those_that_wait_for_it_is_refused(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 2}
    (mlrun.folder / "both.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    run_ids = [submit(mlrun), submit(mlrun, "-c", "both"), submit(mlrun, "-c", "both")]
    until(lambda: len(started(order)) == 1)
    assert [mlrun.show(run_id)["waiting_for"] for run_id in run_ids[1:]] == [
        "2 nodes needed, 1 of the 2 nodes of 'cpu-cluster' taken",
        "1 run before it, 2 nodes needed, 1 of the 2 nodes of 'cpu-cluster' taken",
    ]
    smaller = ("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "--max-nodes", "1")
    refused = mlrun.fails(*smaller)
    assert (refused.code, refused.target) == ("InUse", "cpu-cluster")
    assert " 1 node," in refused.message and f": {run_ids[1]}, {run_ids[2]}." in refused.message
    assert f"'mlrun run cancel -r {run_ids[1]}'" in refused.hint
    mlrun("run", "cancel", "-r", run_ids[1], "-r", run_ids[2])
    mlrun(*smaller)
    go(order)
    assert ended(mlrun, run_ids) == ["Completed", "Canceled", "Canceled"]


def test_smaller_runs_pass_one_that_waits_for_more_nodes_as_often_as_it_needs_nodes(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 2}
    (mlrun.folder / "both.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    holder, large = submit(mlrun), submit(mlrun, "-c", "both")
    small = [submit(mlrun) for _ in range(3)]
    for run_id in small[:2]:
        mlrun.wait_for_status(run_id, "Running")
        assert mlrun.stored_status(large) == "Queued"
        mlrun("run", "cancel", "-r", run_id)
    small.append(submit(mlrun))  # whoever submits has the queue looked at
    mlrun("run", "list")
    assert [mlrun.stored_status(run_id) for run_id in (holder, large, *small[2:])] == ["Running", *["Queued"] * 3]
    go(order)
    assert ended(mlrun, [holder, large, *small]) == ["Completed"] * 2 + ["Canceled"] * 2 + ["Completed"] * 2


def test_a_target_that_is_gone_has_no_places(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    mlrun.execute("DELETE FROM compute_targets")
    go(order)
    assert ended(mlrun, run_ids[:2]) == ["Completed"] * 2
    until(lambda: not mlrun.supervisors(run_ids[0]) and not mlrun.supervisors(run_ids[1]))  # they have called
    record = mlrun.show(run_ids[2])
    assert record["status"] == "Queued"
    assert "'cpu-cluster'" in record["waiting_for"] and " of the 2 nodes" not in record["waiting_for"]
    make_target(mlrun, "cpu-cluster", 1)
    assert ended(mlrun, run_ids[2:]) == ["Completed"]


def test_a_parent_that_holds_the_last_place_is_told_so(mlrun: Mlrun) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script("import sys; print('child')", "child.py")
    mlrun.script("""
        from azureml.core import Run, ScriptRunConfig
        run = Run.get_context()
        child = run.submit_child(ScriptRunConfig(".", script="child.py", compute_target="single"))
        print(child.get_status())
    """)
    run_id = mlrun.submit("--ct", "single", "train.py")
    assert mlrun.wait(run_id)["status"] == "Completed"
    note, status = mlrun.log(run_id).splitlines()
    assert re.search(rf" {run_id} .* 1 of the 1 nodes of 'single'", note)
    assert status == "Queued"
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert mlrun.wait(child["run_id"])["status"] == "Completed"


def test_a_parent_that_is_canceled_tells_of_its_children_that_go_on_and_how_to_cancel_them(mlrun: Mlrun) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script("import time; time.sleep(600)", "child.py")
    mlrun.script("""
        import time
        from azureml.core import Run, ScriptRunConfig
        run = Run.get_context()
        ends_with_the_script = run.child_run()
        for parent in (run, run, ends_with_the_script):
            print(parent.submit_child(ScriptRunConfig(".", script="child.py", compute_target="single")).id, flush=True)
        time.sleep(600)
    """)
    parent = mlrun.submit()
    children = until(lambda: ids if len(ids := mlrun.log(parent).split()) == 3 else None)
    mlrun.wait_for_status(children[0], "Running")
    ((inner,),) = mlrun.stored("SELECT run_id FROM runs WHERE owner_lock = ?", f"runs/{parent}")

    told = mlrun("run", "cancel", "-r", parent).stderr

    ways = [f"mlrun run cancel --all --parent-run-id {run_id}" for run_id in (parent, inner)]
    (line,) = told.splitlines()
    assert re.fullmatch(rf"3 child runs .*: {ways[0]}; {ways[1]}", line), line
    assert ended(mlrun, [parent, inner]) == ["Canceled"] * 2
    assert [mlrun.stored_status(run_id) for run_id in children] == ["Running", "Queued", "Queued"]
    _, line = mlrun("run", "cancel", "-r", parent, "-r", children[0], "-r", children[1]).stderr.splitlines()
    assert re.fullmatch(rf"1 child run .*: {ways[1]}", line), line
    assert mlrun(*ways[1].split()[1:]).stderr == ""
    assert ended(mlrun, children) == ["Canceled"] * 3
