"""What each kind of compute target does: runs start, wait, stop, and end as they should whatever dies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.targets.programs import DISPATCHER_PROGRAM
from tests.running import COMMAND, Mlrun, find_processes, is_alive, kill, parent_of, until, words_of
from tests.targets.conftest import Kind
from tests.targets.shell_target import SHELL

WORK = """
    import os, sys, time
    from azureml.core import Run

    Run.get_context().log("x", 1)
    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
"""

CALL_TARGET = Path(__file__).with_name("call_target.py")


def call(kind: Kind, run_id: str, method: str) -> Any:
    """Call `prepare`, `get_liveness`, `wake`, `kill` or `recover` of the run's target, in a process of its own."""
    words = (str(kind.python), "-E", str(CALL_TARGET), str(kind.mlrun.database.parent), run_id, method)
    done = kind.mlrun.run(*words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def supervisor(kind: Kind, run_id: str) -> int:
    """The pid of the run's supervisor, not that of a shell around it."""
    return until(lambda: next((pid for pid in kind.mlrun.supervisors(run_id) if SHELL[-1] not in words_of(pid)), None))


def dispatchers(mlrun: Mlrun) -> list[int]:
    """The pids of all that serves queues, without the shells around it."""
    mine = find_processes("MLRUN_HOME", str(mlrun.home))
    words = {pid: words_of(pid) for pid in mine}
    return [pid for pid in mine if DISPATCHER_PROGRAM in words[pid] and SHELL[-1] not in words[pid]]


def start(kind: Kind, go: Path, target: str = "") -> str:
    """Submit what runs until the file is there, and wait until it does; its id."""
    run_id = submit(kind, go, target)
    kind.mlrun.wait_for_status(run_id, "Running")
    until(lambda: "here" in kind.mlrun.log(run_id))
    return run_id


def submit(kind: Kind, go: Path, target: str = "") -> str:
    kind.mlrun.script(WORK)
    return kind.mlrun.submit("--ct", target or kind.wide, "train.py", str(go))


@pytest.mark.promises("local", "status", "logs, values")
def test_a_run_starts_in_its_way_and_completes(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    pid = supervisor(kind, run_id)
    starter = parent_of(pid)
    assert starter is not None
    assert (SHELL[-1] in words_of(starter)) is kind.shell
    (tmp_path / "go").touch()
    record = kind.mlrun.wait(run_id)
    assert record["status"] == "Completed"
    assert record["properties"]["_azureml.ComputeTargetType"] == kind.azure_type
    assert record["properties"].get("shell_pid") == (str(starter) if kind.shell else None)
    assert kind.mlrun.metrics(run_id) == {"x": 1}
    until(lambda: not is_alive(starter if kind.shell else pid))


def test_a_start_that_was_prepared_in_vain_leaves_no_process(kind: Kind, tmp_path: Path) -> None:
    run_id = submit(kind, tmp_path / "go")
    assert call(kind, run_id, "prepare") == [0 if kind.shell else 1, 0]
    (tmp_path / "go").touch()
    assert kind.mlrun.wait(run_id)["status"] == "Completed"


def test_how_a_script_ends_is_told(kind: Kind) -> None:
    kind.mlrun.script("import sys\nsys.exit(3)")
    record = kind.mlrun.ended("--ct", kind.wide, "train.py")
    assert (record["status"], record["exit_code"]) == ("Failed", 3)


@pytest.mark.promises("local", "cancel")
def test_a_cancelled_run_ends_with_its_processes(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    processes = [*kind.mlrun.processes(run_id), supervisor(kind, run_id)]
    kind.mlrun("run", "cancel", "-r", run_id)
    assert kind.mlrun.wait(run_id)["status"] == "Canceled"
    until(lambda: not any(map(is_alive, processes)))


def test_a_supervisor_can_be_woken_as_long_as_it_lives(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    assert call(kind, run_id, "wake") is True
    (tmp_path / "go").touch()
    kind.mlrun.wait(run_id)
    assert call(kind, run_id, "wake") is False


@pytest.mark.kill
def test_who_looks_sees_whether_a_supervisor_is_lost(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    assert call(kind, run_id, "get_liveness") == "alive"
    kill(supervisor(kind, run_id))
    assert until(lambda: seen if (seen := call(kind, run_id, "get_liveness")) != "alive" else None) == "lost"
    assert kind.mlrun.show(run_id)["status"] == "Failed"
    assert call(kind, run_id, "get_liveness") == "alive"


@pytest.mark.kill
@pytest.mark.promises("local", "a supervisor that dies")
def test_a_run_that_lost_its_supervisor_is_recovered(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    processes = kind.mlrun.processes(run_id)
    kill(supervisor(kind, run_id))
    assert until(lambda: call(kind, run_id, "recover")) is True
    kind.mlrun.wait_for_status(run_id, "Failed")
    assert not any(map(is_alive, processes))
    record = kind.mlrun.show(run_id)
    assert record["error"]["error"]["code"] == "ServiceError"
    assert kind.mlrun.metrics(run_id) == {"x": 1}


def test_a_run_whose_folder_is_gone_is_told_from_a_lost_one(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    script = kind.mlrun.script_pid(run_id)
    shutil.rmtree(kind.mlrun.run_folder(run_id))
    assert call(kind, run_id, "get_liveness") == "folder gone"
    assert kind.mlrun.show(run_id)["status"] == "Failed"
    until(lambda: not is_alive(script))


@pytest.mark.kill
def test_a_run_is_ended_by_force(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    processes = [*kind.mlrun.processes(run_id), supervisor(kind, run_id)]
    kind.mlrun("run", "cancel", "-r", run_id, "--force")
    assert kind.mlrun.stored_status(run_id) == "Canceled"
    assert not any(map(is_alive, processes))


@pytest.mark.kill
def test_a_run_that_was_killed_is_lost(kind: Kind, tmp_path: Path) -> None:
    run_id = start(kind, tmp_path / "go")
    processes = [*kind.mlrun.processes(run_id), supervisor(kind, run_id)]
    assert call(kind, run_id, "kill") is True
    assert not any(map(is_alive, processes))
    # The shell that has started the supervisor holds the lock, too, until it has seen the supervisor's end.
    until(lambda: call(kind, run_id, "get_liveness") == "lost")
    assert kind.mlrun.show(run_id)["status"] == "Failed"


def test_what_finds_no_room_waits_and_then_starts(kind: Kind, tmp_path: Path) -> None:
    first = start(kind, tmp_path / "first", kind.narrow)
    second = submit(kind, tmp_path / "second", kind.narrow)
    assert kind.mlrun.stored_status(second) == "Queued"
    (tmp_path / "second").touch()
    (tmp_path / "first").touch()
    assert [kind.mlrun.wait(run_id)["status"] for run_id in (first, second)] == ["Completed", "Completed"]
    properties = kind.mlrun.show(second)["properties"]
    assert ("shell_pid" in properties) is kind.shell


@pytest.mark.kill
def test_what_waits_starts_though_dispatcher_and_supervisor_are_killed(kind: Kind, tmp_path: Path) -> None:
    first = start(kind, tmp_path / "first", kind.narrow)
    second = submit(kind, tmp_path / "second", kind.narrow)
    kill(*until(lambda: dispatchers(kind.mlrun)))
    kill(supervisor(kind, first))
    assert kind.mlrun.show(first)["status"] == "Failed"
    kind.mlrun.wait_for_status(second, "Running")
    (tmp_path / "second").touch()
    assert kind.mlrun.wait(second)["status"] == "Completed"


def test_more_nodes_than_a_target_has_are_refused(kind: Kind) -> None:
    kind.mlrun.script("")
    runconfig = kind.mlrun.folder / ".azureml" / "two.runconfig"
    text = "script: train.py\nframework: Python\ncommunicator: IntelMpi\nnodeCount: 2\n"
    runconfig.write_text(text, encoding="utf-8")
    done = kind.mlrun("run", "submit-script", "--async", "-c", "two", "--ct", kind.narrow, check=False)
    assert done.returncode != 0
    assert "nodeCount" in done.stderr
    assert "'narrow'" in done.stderr
    assert not kind.mlrun.stored("SELECT 1 FROM runs")


def test_without_its_kind_a_target_starts_nothing_and_hides_nothing(
    mlrun: Mlrun, installation: Path, tmp_path: Path
) -> None:
    knowing, unknowing = [str(installation / "mlrun")], [str(COMMAND)]
    mlrun.command = knowing
    mlrun("computetarget", "create", "shell", "-n", "wide")
    kind = Kind(mlrun, installation / "python", "wide", "", "shell", shell=True)
    run_id = start(kind, tmp_path / "go")
    mlrun.command = unknowing
    done = mlrun("run", "submit-script", "--async", "--ct", "wide", "train.py", check=False)
    assert done.returncode != 0
    assert "'shell'" in done.stderr
    assert mlrun.show(run_id)["status"] == "Running"
    kill(supervisor(kind, run_id))
    assert mlrun.json("run", "list")[0]["status"] == "Running"
    mlrun.command = knowing
    assert mlrun.show(run_id)["status"] == "Failed"


def test_without_its_kind_what_waits_says_so(mlrun: Mlrun, installation: Path, tmp_path: Path) -> None:
    mlrun.command = [str(installation / "mlrun")]
    mlrun("computetarget", "create", "small-shell", "-n", "narrow")
    kind = Kind(mlrun, installation / "python", "", "narrow", "shell", shell=True)
    first = start(kind, tmp_path / "first", kind.narrow)
    second = submit(kind, tmp_path / "second", kind.narrow)
    # Both know the kind, and would start a dispatcher again.
    kill(supervisor(kind, first), *until(lambda: dispatchers(mlrun)))
    mlrun.command = [str(COMMAND)]
    assert "'small-shell'" in until(lambda: reason if "kind" in (reason := waiting_for(mlrun, second)) else None)
    mlrun.command = [str(installation / "mlrun")]
    until(lambda: None if "kind" in waiting_for(mlrun, second) else "started again")


def waiting_for(mlrun: Mlrun, run_id: str) -> str:
    return str(mlrun.show(run_id).get("waiting_for", ""))
