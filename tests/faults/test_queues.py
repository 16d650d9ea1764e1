"""Runs that wait for a place on their target: in order, none twice, none lost, whoever dies."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.running import Mlrun, kill, processes, until, words_of
from tests.sdk.driving import drive

# Runs until its file is there, and writes down when it starts.
WORK = """
    import os, sys, time
    with open(os.environ["ORDER"], "a") as order:
        order.write(f"{os.environ['MLRUN_RUN_NUMBER']}\\n")
    while not os.path.exists(f"{os.environ['ORDER']}.go"):
        time.sleep(0.01)
"""


@pytest.fixture
def order(mlrun: Mlrun) -> Path:
    """The file in which the runs write down that they have started."""
    make_target(mlrun, "cpu-cluster", 2)
    mlrun.script(WORK)
    path = mlrun.folder.parent / "order"
    path.touch()
    mlrun.environment["ORDER"] = str(path)
    return path


def make_target(mlrun: Mlrun, name: str, most: int) -> None:
    """Make a target with so many nodes."""
    drive(
        mlrun,
        f"""
        from azureml.core.compute import AmlCompute, ComputeTarget
        configuration = AmlCompute.provisioning_configuration(vm_size="any", max_nodes={most})
        ComputeTarget.create(Workspace.from_config(), {name!r}, configuration)
        """,
    )


def submit(mlrun: Mlrun, *words: str) -> str:
    return mlrun.submit("--ct", "cpu-cluster", *(words or ("train.py",)))


def dispatchers(mlrun: Mlrun) -> list[int]:
    """The pids of the dispatchers of this home."""
    mine = [pid for pid, variables in processes() if variables.get("MLRUN_HOME") == str(mlrun.home)]
    return [pid for pid in mine if any(Path(word).name == "dispatch.py" for word in words_of(pid))]


def started(order: Path) -> list[int]:
    return [int(line) for line in order.read_text().split()]


def go(order: Path) -> None:
    order.with_name("order.go").touch()


def ended(mlrun: Mlrun, run_ids: list[str]) -> list[str]:
    """Wait for their end; how each ended."""
    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)), check=False)
    return [mlrun.stored_status(run_id) for run_id in run_ids]


def test_no_more_than_a_target_has_nodes_run_at_once_and_the_others_in_their_order(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(6)]
    until(lambda: len(started(order)) == 2)
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


@pytest.mark.kill
def test_a_queue_outlives_its_dispatcher(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    (dispatcher,) = dispatchers(mlrun)
    kill(dispatcher)
    until(lambda: not dispatchers(mlrun))
    assert [record["status"] for record in mlrun.json("run", "list")] == ["Queued", "Queued", "Running", "Running"]
    assert len(dispatchers(mlrun)) == 1  # this look has started another
    kill(*dispatchers(mlrun))
    go(order)  # whoever ends a run calls it as well
    until(lambda: all(mlrun.stored_status(run_id) == "Completed" for run_id in run_ids))
    assert sorted(started(order)) == [1, 2, 3, 4]


@pytest.mark.kill
def test_a_place_becomes_free_when_a_supervisor_is_killed(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    kill(mlrun.supervisor(run_ids[0]))
    until(lambda: len(started(order)) == 3)  # without anybody who looks
    go(order)
    assert ended(mlrun, run_ids) == ["Failed", "Completed", "Completed"]


@pytest.mark.kill
def test_many_at_once_and_dispatchers_that_die_lose_and_double_nothing(mlrun: Mlrun, order: Path) -> None:
    go(order)
    with ThreadPoolExecutor(8) as pool:
        submitting = [pool.submit(submit, mlrun) for _ in range(24)]
        for _ in range(8):
            until(lambda: dispatchers(mlrun) or all(each.done() for each in submitting))
            kill(*dispatchers(mlrun))
        run_ids = [each.result() for each in submitting]
    assert ended(mlrun, run_ids) == ["Completed"] * 24
    assert sorted(started(order)) == list(range(1, 25))


def test_a_run_that_can_never_have_its_place_is_refused(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 3}
    (mlrun.folder / "large.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    done = mlrun("run", "submit-script", "-c", "large", check=False)
    assert done.returncode == 2
    assert "nodeCount: 3 nodes are asked for, and 'cpu-cluster' has at most 2." in done.stderr
    assert started(order) == []


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
    assert f"The run {run_id} itself holds 1 of the 1 nodes of 'single'" in note
    assert status == "Queued"
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert mlrun.wait(child["run_id"])["status"] == "Completed"


def test_gpus_are_lent_to_one_run_at_a_time(mlrun: Mlrun, order: Path) -> None:
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = "0,1,7"
    mlrun.script(f"{WORK}    print(os.environ['CUDA_VISIBLE_DEVICES'])\n")
    run_ids = [mlrun.submit("--gpus", number, "train.py") for number in ("2", "1", "1", "3")]
    until(lambda: len(started(order)) == 2)
    (waiting,) = mlrun.json("run", "list", "--last", "1", "--query", "[?run_number==`4`]")
    assert (waiting["status"], waiting["waiting_for"]) == ("Queued", "1 run before it, 3 free GPUs needed")
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 4
    lent = [mlrun.log(run_id).strip() for run_id in run_ids]
    assert (lent[:2], lent[3]) == (["0,1", "7"], "0,1,7")
    assert lent[2] in {"0", "7"}


@pytest.mark.kill
@pytest.mark.parametrize("victim", ["supervisor", "dispatcher", "both"])
def test_gpus_come_back_when_who_holds_or_lends_them_is_killed(mlrun: Mlrun, order: Path, victim: str) -> None:
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = "3"
    mlrun.script(f"{WORK}    print(os.environ['CUDA_VISIBLE_DEVICES'])\n")
    holder, waiting = (mlrun.submit("--gpus", "1", "train.py") for _ in range(2))
    until(lambda: started(order) == [1])
    if victim != "dispatcher":
        kill(mlrun.supervisor(holder))
    if victim != "supervisor":
        kill(*dispatchers(mlrun))
    if victim == "dispatcher":
        assert [mlrun.show(run_id)["status"] for run_id in (holder, waiting)] == ["Running", "Queued"]
    go(order)
    assert ended(mlrun, [holder, waiting]) == ["Completed" if victim == "dispatcher" else "Failed", "Completed"]
    assert mlrun.log(waiting) == "3\n"


def test_gpus_that_are_not_there_are_refused(mlrun: Mlrun) -> None:
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = ""
    mlrun.script("")
    done = mlrun("run", "submit-script", "--gpus", "1", "train.py", check=False)
    assert done.returncode == 2
    assert "1 GPUs are asked for, and this machine has none." in done.stderr
