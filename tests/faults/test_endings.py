from __future__ import annotations

import json
import shutil
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.faults.gates import locked, manifest
from tests.running import COMMAND, Mlrun, is_alive, kill, service_error, until


@pytest.mark.parametrize(
    ("said", "exit_code", "status", "message"),
    [
        ("run.fail(error_details='no data')", 0, "Failed", "no data"),
        ("run.fail()", 0, "Failed", "The script called fail()."),
        ("run.complete()", 3, "Failed", "exit code 3"),
        ("run.complete()", 0, "Completed", None),
        ("pass", 0, "Completed", None),
    ],
)
def test_an_exit_code_beats_complete_and_fail_beats_exit_code_0(
    mlrun: Mlrun, said: str, exit_code: int, status: str, message: str | None
) -> None:
    mlrun.script(f"import sys\nfrom azureml.core import Run\nrun = Run.get_context()\n{said}\nsys.exit({exit_code})\n")

    streamed = mlrun("run", "submit-script", "train.py", check=False)

    assert streamed.returncode == (0 if status == "Completed" else 1)
    (record,) = mlrun.json("run", "list")
    assert (record["status"], record["exit_code"]) == (status, exit_code)
    if message is None:
        assert "error" not in record
    else:
        assert message in record["error"]["error"]["message"]


def test_a_script_killed_by_a_signal_makes_the_command_fail_and_say_which(mlrun: Mlrun) -> None:
    mlrun.script("import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n")

    streamed = mlrun("run", "submit-script", "train.py", check=False)

    assert streamed.returncode == 1
    assert "last words" in streamed.stdout + streamed.stderr
    assert "Failed (signal SIGSEGV)" in streamed.stderr
    assert "std_log.txt" in streamed.stderr


def test_a_run_whose_folder_is_removed_by_hand_ends_failed(mlrun: Mlrun) -> None:
    mlrun.script("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    mlrun.wait_for_status(run_id, "Running")
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)

    shutil.rmtree(mlrun.run_folder(run_id))

    record = mlrun.show(run_id)
    service_error(record, "RunFolderRemoved")
    until(lambda: not is_alive(script))
    until(lambda: not is_alive(supervisor))
    assert mlrun.show(run_id) == record


def test_a_run_whose_folder_is_removed_by_hand_and_whose_script_ends_by_itself_leaves_no_supervisor(
    mlrun: Mlrun,
) -> None:
    mlrun.script("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    mlrun.wait_for_status(run_id, "Running")
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)

    shutil.rmtree(mlrun.run_folder(run_id))
    kill(script)

    until(lambda: not is_alive(supervisor))
    assert mlrun.show(run_id)["status"] == "Failed"


WAIT = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_force_ends_a_run_whose_supervisor_is_stopped(mlrun: Mlrun, verb: str) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)
    kill(supervisor, number=signal.SIGSTOP)

    mlrun("run", verb, "-r", run_id, "--force", *(["--yes"] if verb == "delete" else []))

    assert not is_alive(script)
    assert not is_alive(supervisor)
    if verb == "cancel":
        assert mlrun.show(run_id)["status"] == "Canceled"
    else:
        assert mlrun.json("run", "list") == []


def test_a_run_that_is_ended_by_force_has_lasted_until_then(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))
    started_at = datetime.fromisoformat(mlrun.show(run_id)["start_time_utc"].replace("Z", "+00:00"))
    until(lambda: datetime.now(timezone.utc) - started_at > timedelta(seconds=1))

    mlrun("run", "cancel", "-r", run_id, "--force")

    record = mlrun.show(run_id)
    assert record["status"] == "Canceled"
    assert record["duration_seconds"] > 1


@pytest.mark.parametrize("content", ["garbage", "{}", '{"status": "Completed", "ended_at": "noon"}', None])
@pytest.mark.parametrize("name", ["outcome.json", "submission.json", "process.json"])
def test_garbage_in_a_runs_files_keeps_it_from_no_end(mlrun: Mlrun, name: str, content: str | None) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    file = mlrun.run_folder(run_id) / name
    file.unlink(missing_ok=True)
    if content is None:
        file.mkdir()
    else:
        file.write_text(content, encoding="utf-8")

    kill(mlrun.supervisor(run_id))

    record = mlrun.show(run_id)
    service_error(record, "SupervisorDied")
    assert mlrun.processes(run_id) == []
    mlrun("run", "delete", "-r", run_id, "--yes")
    assert mlrun.json("run", "list") == []


def test_a_run_that_cannot_be_recovered_is_failed_with_the_reason(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    end = {"exit_code": 10**30, "ended_at": 1, "duration_seconds": 1.0, "stopped": None}
    document = json.dumps({"processes": [], "started_at": 1, "end": end})
    (mlrun.run_folder(run_id) / "process.json").write_text(document, encoding="utf-8")

    kill(mlrun.supervisor(run_id))

    record = mlrun.show(run_id)
    assert record["status"] == "Failed"
    message = record["error"]["error"]["message"]
    assert "InvalidValue: " in message and str(2**63 - 1) in message


def test_one_look_at_most_waits_for_a_run_whose_recovery_hangs(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    held, supervisor = manifest(mlrun, run_id), mlrun.supervisor(run_id)
    kill(supervisor)
    until(lambda: not is_alive(supervisor))
    trace = tmp_path / "trace"
    seen = []
    for _ in range(3):
        mlrun.command = ["strace", "--output", str(trace), "--trace=/nanosleep|select", str(COMMAND)]
        seen.append((mlrun.json("run", "show", "-r", run_id)["status"], "nanosleep" in trace.read_text("utf-8")))
    mlrun.command = [str(COMMAND)]

    assert seen == [("NotResponding", True), ("NotResponding", False), ("NotResponding", False)]
    held.let_through()
    record = mlrun.wait(run_id)
    held.restore()
    assert record["status"] == "Failed"


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_forced_cancel_is_no_failure_though_the_store_was_locked(mlrun: Mlrun, is_killed: bool) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)
    with locked(mlrun.database):
        cancel = mlrun.start("run", "cancel", "-r", run_id, "--force")
        until(lambda: not is_alive(supervisor) and not is_alive(script))
        # A reader starts a recovery, which finds out what has happened while the request cannot be stored.
        mlrun("run", "show", "-r", run_id, check=False)
        if is_killed:
            kill(mlrun.find_pid(cancel))
    cancel.communicate()

    record = mlrun.show(run_id)
    assert (record["status"], record.get("error")) == ("Canceled", None)
    until(lambda: not (mlrun.run_folder(run_id) / "canceled").exists())
