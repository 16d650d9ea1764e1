from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.faults.gates import GatedBuild
from tests.running import Mlrun, is_alive, kill, service_error, until

WAIT = """
    import time
    print("here", flush=True)
    time.sleep(600)
"""
STUBBORN = """
    import os, signal, time
    signal.signal(signal.SIGTERM, lambda *_: print("not yet", flush=True))
    print("here", flush=True)
    while True:
        time.sleep(0.1)
"""
DAEMON = """
    import os, sys, time

    def leave():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(3, 1024)
                os.execvp("env", ["env", "-i", sys.executable, "-c", LIFE])
            os._exit(0)
        os.wait()

    LIFE = (
        "import os, signal, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN) if {stubborn} else None;"
        "print(os.getpid(), flush=True);"
        "time.sleep(600)"
    )
    leave()
    while not os.path.exists("go"):
        time.sleep(0.01)
"""


def test_a_canceled_script_gets_sigterm_and_is_canceled(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))

    canceled = mlrun.json("run", "cancel", "-r", run_id)

    assert canceled["status"] == "CancelRequested"
    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")
    assert mlrun.history(run_id)[-2:] == ["CancelRequested", "Canceled"]


def test_a_script_that_ignores_sigterm_gets_sigkill_after_the_grace(mlrun: Mlrun) -> None:
    mlrun.script(STUBBORN)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))

    mlrun("run", "cancel", "-r", run_id, "--grace", "1s")

    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGKILL")
    assert mlrun.log(run_id) == "here\nnot yet\n"


def test_a_second_cancel_makes_the_grace_shorter(mlrun: Mlrun) -> None:
    mlrun.script(STUBBORN)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    mlrun("run", "cancel", "-r", run_id, "--grace", "1h")
    until(lambda: "not yet" in mlrun.log(run_id))
    assert mlrun.stored_status(run_id) == "CancelRequested"

    mlrun("run", "cancel", "-r", run_id, "--grace", "0s")

    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGKILL")
    assert mlrun.history(run_id).count("CancelRequested") == 1
    assert mlrun.log(run_id).count("not yet") == 1


def test_a_script_that_ends_by_itself_when_it_is_canceled_is_canceled(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import signal, sys, time
        from azureml.core import Run

        def leave(*_):
            Run.get_context().log("checkpoint", 7)
            sys.exit(0)

        signal.signal(signal.SIGTERM, leave)
        print("here", flush=True)
        time.sleep(600)
        """
    )
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))

    mlrun("run", "cancel", "-r", run_id)

    record = mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Canceled", 0)
    assert mlrun.metrics(run_id) == {"checkpoint": 7}


def test_a_run_that_has_ended_is_not_canceled_and_this_is_said(mlrun: Mlrun) -> None:
    mlrun.script("print('done')")
    run_id = mlrun.submit()
    mlrun.wait(run_id)

    canceled = mlrun("run", "cancel", "-r", run_id)

    assert run_id in canceled.stderr and "Completed" in canceled.stderr
    assert mlrun.show(run_id)["status"] == "Completed"


def test_a_run_that_is_canceled_while_its_environment_is_built_never_starts(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(WAIT)
    build = GatedBuild(mlrun, tmp_path / "package")
    run_id = mlrun.submit("-d", "gated.yml", "train.py")
    build.wait()

    mlrun("run", "cancel", "-r", run_id)

    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert mlrun.processes(run_id) == []
    assert mlrun.history(run_id) == ["NotStarted", "Preparing", "CancelRequested", "Canceled"]


def test_a_time_limit_ends_the_run_as_canceled_with_an_error_that_says_so(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    mlrun.script("script: train.py\nmaxRunDurationSeconds: 1\n", "limited.runconfig")

    streamed = mlrun("run", "submit-script", "-c", "limited", check=False)

    assert streamed.returncode == 1
    (record,) = mlrun.json("run", "list")
    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")
    error = record["error"]["error"]
    assert (error["code"], error["innerError"]["code"]) == ("UserError", "TimeLimitReached")
    assert re.search(r" 1 second .*\bmaxRunDurationSeconds\b", error["message"])
    assert 1.0 <= record["duration_seconds"] < 30.0
    assert error["message"] in streamed.stderr


@pytest.mark.parametrize(("ending", "stubborn"), [("cancel", False), ("cancel", True), ("end", False)])
def test_a_daemon_without_the_runs_variables_ends_with_the_run(mlrun: Mlrun, ending: str, stubborn: bool) -> None:
    mlrun.script(DAEMON.replace("{stubborn}", str(stubborn)))
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id).endswith("\n"))
    daemon = int(mlrun.log(run_id))

    if ending == "cancel":
        mlrun("run", "cancel", "-r", run_id, "--grace", "1s")
    else:
        (mlrun.run_folder(run_id) / "work" / "go").touch()

    assert mlrun.wait(run_id)["status"] == ("Canceled" if ending == "cancel" else "Completed")
    assert not is_alive(daemon)


def test_a_supervisor_that_is_told_to_end_stops_its_script_and_says_why(mlrun: Mlrun) -> None:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))

    kill(mlrun.supervisor(run_id), number=signal.SIGTERM)

    record = mlrun.wait(run_id)
    assert record["signal"] == "SIGTERM"
    assert "SIGTERM" in service_error(record, "SupervisorStopped")


def test_a_run_whose_supervisor_was_told_to_end_can_be_canceled(mlrun: Mlrun) -> None:
    mlrun.script(STUBBORN)
    run_id = mlrun.submit()
    until(lambda: mlrun.log(run_id))
    kill(mlrun.supervisor(run_id), number=signal.SIGTERM)
    until(lambda: "not yet" in mlrun.log(run_id))
    mlrun("run", "cancel", "-r", run_id, "--grace", "0s")
    record = mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGKILL")
    assert "error" not in record


def test_a_run_that_a_script_has_submitted_outlives_it(mlrun: Mlrun) -> None:
    mlrun.environment["COMMAND"] = mlrun.command[0]
    mlrun.environment["FOLDER"] = str(mlrun.folder)
    mlrun.script(WAIT, "child.py")
    mlrun.script(
        """
        import os, subprocess
        command = [os.environ["COMMAND"], "run", "submit-script", "--async", "--path", os.environ["FOLDER"]]
        subprocess.run([*command, "--query", "run_id", "-o", "tsv", "child.py"], check=True)
        """
    )
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    child_id = mlrun.log(run_id).strip()

    mlrun.wait_for_status(child_id, "Running")
    script = mlrun.script_pid(child_id)
    until(lambda: mlrun.supervisors(run_id) == [])

    assert mlrun.show(child_id)["status"] == "Running"
    assert is_alive(script)
    mlrun("run", "cancel", "-r", child_id)
    assert mlrun.wait(child_id)["status"] == "Canceled"


def test_a_run_that_a_script_has_submitted_outlives_the_scripts_cancel(mlrun: Mlrun) -> None:
    mlrun.environment["COMMAND"] = mlrun.command[0]
    mlrun.environment["FOLDER"] = str(mlrun.folder)
    mlrun.script(WAIT, "child.py")
    mlrun.script(
        """
        import os, subprocess, time
        command = [os.environ["COMMAND"], "run", "submit-script", "--async", "--path", os.environ["FOLDER"]]
        subprocess.run([*command, "--query", "run_id", "-o", "tsv", "child.py"], check=True)
        time.sleep(600)
        """
    )
    run_id = mlrun.submit()
    child_id = until(lambda: mlrun.log(run_id).strip())
    mlrun.wait_for_status(child_id, "Running")

    mlrun("run", "cancel", "-r", run_id)

    assert mlrun.wait(run_id)["status"] == "Canceled"
    until(lambda: mlrun.supervisors(run_id) == [])
    assert mlrun.show(child_id)["status"] == "Running"
    assert is_alive(mlrun.script_pid(child_id))
