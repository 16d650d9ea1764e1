from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.gates import Fifo, GatedBuild, locked, manifest, slow_recovery, slow_to_rename
from tests.running import COMMAND, Mlrun, find_files_with, is_alive, kill, service_error, until

pytestmark = pytest.mark.kill

LOG_MUCH = """
    import itertools, os
    from azureml.core import Run

    run = Run.get_context()
    count = os.open(os.environ["COUNT_FILE"], os.O_WRONLY | os.O_CREAT, 0o600)
    for number in itertools.count():
        run.log("x", number)
        os.pwrite(count, b"%d" % (number + 1), 0)
"""
WAIT = """
    import time
    print("here", flush=True)
    time.sleep(600)
"""
FAIL = """
import sys
from azureml.core import Run, Workspace
Run.get(Workspace.from_config(), sys.argv[1]).fail("bad data")
"""
LOOK = """
import sys
from pathlib import Path
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runtime import reconciliation
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator

reconciliation._TIMEOUT_SECONDS = 20.0
workspace = Workspace.connect(parse_locator(Path(sys.argv[1])), redactor=Redactor())
print("looks", flush=True)
reconciliation.reconcile_runs(workspace)
print(workspace.runs.get(sys.argv[2]).status.value)
"""
LEAVE = """
    import subprocess, time
    print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
    time.sleep(600)
"""
FAIL_WITH_SECRETS = """
    import os, sys, time
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    raise ValueError(f"{sys.argv[-1]} {os.environ['MY_TOKEN']}")
"""
LOG_AND_WAIT = """
    import os, sys, time
    from azureml.core import Run

    Run.get_context().log("x", 1)
    while not os.path.exists("go"):
        time.sleep(0.01)
    sys.exit(int(os.environ.get("EXIT_CODE", "0")))
"""


@pytest.mark.parametrize("victims", ["script", "supervisor", "both"])
def test_every_acknowledged_value_is_there_once_after_a_kill(mlrun: Mlrun, victims: str) -> None:
    count_file = mlrun.folder.parent / "count"
    mlrun.environment["COUNT_FILE"] = str(count_file)
    mlrun.script(LOG_MUCH)
    run_id = mlrun.submit()
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)
    until(lambda: count_file.exists() and int(count_file.read_bytes() or b"0") > 60_000)

    kill(*{"script": [script], "supervisor": [supervisor], "both": [supervisor, script]}[victims])

    until(lambda: not is_alive(script))
    acknowledged = int(count_file.read_bytes())
    record = mlrun.wait(run_id)
    assert record["status"] == "Failed"
    assert record.get("signal") == ("SIGKILL" if victims == "script" else None)
    values = mlrun.metrics(run_id)["x"]
    assert values == list(range(len(values)))
    assert len(values) - acknowledged in {0, 1}  # killed between the call and the count


def test_a_run_whose_supervisor_was_killed_is_failed_at_the_next_look(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    script = mlrun.script_pid(run_id)
    until(lambda: mlrun.log(run_id))

    kill(mlrun.supervisor(run_id))

    until(lambda: not is_alive(script))
    assert mlrun.stored_status(run_id) == "Running"
    (record,) = mlrun.json("run", "list")
    assert service_error(record, "SupervisorDied").endswith(" ran.")
    assert "exit_code" not in record
    assert mlrun.log(run_id) == "here\n"


def test_who_looks_while_another_begins_to_recover_a_run_sees_the_truth(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")

    kill(mlrun.supervisor(run_id))

    with slow_recovery(mlrun, mlrun.run_folder(run_id) / "lock", run_id) as recovering:
        assert mlrun.show(run_id)["status"] == "Failed"
        assert json.loads(recovering.communicate()[0])["status"] == "Failed"


def test_who_sees_another_recover_a_run_recovers_it_when_that_one_is_killed(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    lock = mlrun.run_folder(run_id) / "lock"
    kill(supervisor := mlrun.supervisor(run_id))
    until(lambda: not is_alive(supervisor))

    with lock.open("r+b") as recovering:
        os.pwrite(recovering.fileno(), b"recover", 0)
        fcntl.flock(recovering, fcntl.LOCK_EX)
        looking = subprocess.Popen(
            [sys.executable, "-c", LOOK, mlrun.database.parent, run_id], env=mlrun.environment, stdout=subprocess.PIPE
        )
        assert looking.stdout is not None
        assert looking.stdout.readline() == b"looks\n"
        time.sleep(0.3)
    assert looking.communicate()[0] == b"Failed\n"


def test_a_run_that_was_to_fail_has_failed_when_its_supervisor_is_killed_before_it_obeys(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    supervisor = mlrun.supervisor(run_id)
    kill(supervisor, number=signal.SIGSTOP)
    with subprocess.Popen([sys.executable, "-c", FAIL, run_id], cwd=mlrun.folder, env=mlrun.environment) as failing:
        mlrun.wait_for_status(run_id, "CancelRequested")
        kill(supervisor)
        assert failing.wait() == 0

    record = mlrun.show(run_id)
    assert (record["status"], record["error"]["error"]["message"]) == ("Failed", "bad data")


def test_what_has_left_the_script_and_outlived_the_supervisor_is_ended_at_the_next_look(mlrun: Mlrun) -> None:
    mlrun.script(LEAVE)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    mlrun.wait_for_status(run_id, "Running")
    daemon = int(mlrun.log(run_id))

    kill(mlrun.supervisor(run_id))

    script = mlrun.script_pid(run_id)
    until(lambda: not is_alive(script))
    assert is_alive(daemon)
    assert mlrun.show(run_id)["status"] == "Failed"
    assert not is_alive(daemon)


@pytest.mark.parametrize("delay_milliseconds", [0, 10, 30, 60, 90, 120, 160, 200])
def test_a_supervisor_killed_at_any_moment_of_its_start_leaves_a_failed_run_and_no_process(
    mlrun: Mlrun, delay_milliseconds: int
) -> None:
    mlrun.script(WAIT)
    submitting = mlrun.start("run", "submit-script", "--async", "--query", "run_id", "-o", "tsv", "train.py")
    (pid, run_id) = until(lambda: _any_supervisor(mlrun))
    time.sleep(delay_milliseconds / 1000)

    kill(pid)

    # A child that it was starting has the lock too, until it notices.
    until(lambda: not mlrun.is_owned(run_id))
    assert submitting.communicate()[0].strip() == run_id
    assert mlrun.show(run_id)["status"] == "Failed"
    assert mlrun.processes(run_id) == []
    assert not (mlrun.run_folder(run_id) / "secrets.json").exists()


def test_a_submit_killed_while_it_writes_its_run_leaves_no_secrets_at_the_next_look(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    # A disk that takes a while to say that it has the run.
    slow = ("strace", "--output=/dev/null", "--trace=fdatasync,fsync", "--inject=fdatasync,fsync:delay_exit=60s")
    mlrun.command = [*slow, str(COMMAND)]
    with mlrun.start("run", "submit-script", "--async", "train.py") as submitting:
        secrets = until(lambda: next(mlrun.home.glob("workspaces/*/*/*/runs/*/secrets.json"), None))
        (pid,) = Path(f"/proc/{submitting.pid}/task/{submitting.pid}/children").read_text(encoding="ascii").split()
        submitting.kill()
        kill(int(pid))
    until(lambda: not is_alive(int(pid)))
    mlrun.command = [str(COMMAND)]
    for status in [record["status"] for record in mlrun.json("run", "list")]:
        assert status == "Failed"  # the row had got into the store
    assert not secrets.exists()
    assert list(mlrun.database.parent.glob("submits/*")) == []
    assert len(list((mlrun.database.parent / "runs").iterdir())) == len(mlrun.json("run", "list") or [])


def _any_supervisor(mlrun: Mlrun) -> tuple[int, str] | None:
    for run_id, status in _runs(mlrun):
        if status in {"NotStarted", "Preparing", "Starting", "Running"}:
            for pid in mlrun.supervisors(run_id):
                return pid, run_id
    return None


def _runs(mlrun: Mlrun) -> list[tuple[str, str]]:
    if not list(mlrun.home.glob("workspaces/*/*/*/workspace.db")):
        return []
    return [(run_id, status) for run_id, status in mlrun.stored("SELECT run_id, status FROM runs")]


def test_a_supervisor_killed_while_it_prepares_takes_its_builder_along(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(WAIT)
    build = GatedBuild(mlrun, tmp_path / "package")
    run_id = mlrun.submit("-d", "gated.yml", "train.py")
    build.wait()
    assert mlrun.stored_status(run_id) == "Preparing"
    assert mlrun.processes(run_id)

    kill(mlrun.supervisor(run_id))

    record = mlrun.wait(run_id)
    assert "environment" in service_error(record, "SupervisorDied")
    assert mlrun.processes(run_id) == []
    assert mlrun.history(run_id) == ["NotStarted", "Preparing", "Failed"]


def test_a_supervisor_killed_before_its_script_is_started_leaves_a_failed_run(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(WAIT)
    build = GatedBuild(mlrun, tmp_path / "package")
    run_id = mlrun.submit("-d", "gated.yml", "train.py")
    build.wait()
    log = Fifo(mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt")
    build.open()
    mlrun.wait_for_status(run_id, "Starting")

    kill(supervisor := mlrun.supervisor(run_id))

    until(lambda: not is_alive(supervisor))
    log.restore()
    record = mlrun.wait(run_id)
    assert "started" in service_error(record, "SupervisorDied")
    assert mlrun.history(run_id) == ["NotStarted", "Preparing", "Starting", "Failed"]
    assert "start_time_utc" not in record


def test_a_supervisor_killed_when_its_script_has_just_been_started_takes_it_along(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(WAIT)
    build = GatedBuild(mlrun, tmp_path / "package")
    run_id = mlrun.submit("-d", "gated.yml", "train.py")
    build.wait()
    supervisor = mlrun.supervisor(run_id)
    # The record of the environment and the working folder come before the note on the script's process.
    with slow_to_rename(supervisor, 2):
        build.open()
        until(lambda: mlrun.log(run_id) == "here\n")
        assert mlrun.stored_status(run_id) == "Starting"
        (script,) = mlrun.processes(run_id)

        os.kill(supervisor, signal.SIGKILL)  # it is dead when its tracer lets it

    until(lambda: not is_alive(script))
    record = mlrun.wait(run_id)
    assert "started" in service_error(record, "SupervisorDied")
    assert mlrun.history(run_id) == ["NotStarted", "Preparing", "Starting", "Failed"]


@pytest.mark.parametrize(("ending", "exit_code"), [("sys.exit(0)", 0), ("raise ValueError(os.environ['A_TOKEN'])", 1)])
def test_a_supervisor_killed_while_it_finalizes_leaves_a_run_that_ended_as_its_script_did(
    mlrun: Mlrun, ending: str, exit_code: int
) -> None:
    mlrun.environment["A_TOKEN"] = "hunter2"
    mlrun.script(LOG_AND_WAIT.replace("sys.exit(", f"{ending}\n    sys.exit("))
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    supervisor = mlrun.supervisor(run_id)
    gate = manifest(mlrun, run_id)
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    mlrun.wait_for_status(run_id, "Finalizing")

    kill(supervisor)

    until(lambda: not is_alive(supervisor))
    gate.restore()
    mlrun.show(run_id)
    mlrun.wait_for_status(run_id, "Completed", "Failed")
    record = mlrun.show(run_id)
    assert (record["status"], record["exit_code"]) == ("Failed" if exit_code else "Completed", exit_code)
    assert "hunter2" not in (mlrun.run_folder(run_id) / "outcome.json").read_text(encoding="utf-8")
    assert 0 < record["duration_seconds"] < 60
    assert mlrun.metrics(run_id) == {"x": 1}


@pytest.mark.parametrize(("exit_code", "status"), [(0, "Completed"), (3, "Failed")])
def test_an_outcome_that_a_killed_supervisor_had_written_is_believed(mlrun: Mlrun, exit_code: int, status: str) -> None:
    mlrun.environment["EXIT_CODE"] = str(exit_code)
    mlrun.script(LOG_AND_WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    supervisor = mlrun.supervisor(run_id)
    gate = manifest(mlrun, run_id)
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    mlrun.wait_for_status(run_id, "Finalizing")
    with locked(mlrun.database):
        gate.let_through()
        until((mlrun.run_folder(run_id) / "outcome.json").exists)
        kill(supervisor)
        until(lambda: not is_alive(supervisor))
    gate.restore()

    assert mlrun.stored_status(run_id) == "Finalizing"
    record = mlrun.wait(run_id)
    assert record["status"] == status
    assert record["exit_code"] == exit_code
    assert mlrun.history(run_id) == ["NotStarted", "Preparing", "Starting", "Running", "Finalizing", status]
    assert mlrun.metrics(run_id) == {"x": 1}


def test_a_recovery_records_the_error_of_the_script_without_its_secrets(mlrun: Mlrun) -> None:
    mlrun.script(FAIL_WITH_SECRETS)
    go = mlrun.folder.parent / "go"
    secrets = ["Of-the+variable", "Of-the+command"]
    run_id = mlrun.submit("--env", f"MY_TOKEN={secrets[0]}", "train.py", str(go), "--password", secrets[1])
    mlrun.wait_for_status(run_id, "Running")
    process = mlrun.run_folder(run_id) / "process.json"
    with locked(mlrun.database):
        go.touch()
        until(lambda: "end" in json.loads(process.read_text(encoding="utf-8")))
        kill(mlrun.supervisor(run_id))
    record = mlrun.show(run_id)
    assert (record["status"], record["error"]["error"]["message"]) == ("Failed", "*** ***")
    for secret in secrets:
        for path in find_files_with(secret, mlrun.home):
            assert "user_logs" in path.parts, path
