"""Runs that are started again after a failure, as attempts of the same run."""

from __future__ import annotations

import os
import re
import signal
from functools import partial
from typing import Any

from tests.running import Mlrun, is_alive, kill, until

_SCRIPT = """
    import os, sys, time
    from azureml.core import Run

    run, attempt = Run.get_context(), int(os.environ["MLRUN_ATTEMPT"])
    print("attempt", attempt, flush=True)
    first = len(os.listdir("outputs"))
    run.log("attempt", attempt)
    run.log(f"only {attempt}", 1)
    for step in range(first, first + 2):
        run.log("loss", float(step), step=step)
        open(f"outputs/{step}", "w").close()
    run.log("loss", -1.0, step=first + 2)
    while sys.argv[1] == "wait" and attempt == 1:
        time.sleep(0.01)
    sys.exit(75 if attempt < 3 else 0)
"""


def _facts(run: dict[str, Any]) -> list[tuple[object, ...]]:
    return [tuple(each.get(name) for name in ("number", "exit_code", "signal", "reason")) for each in run["attempts"]]


def test_a_run_that_fails_twice_completes_as_attempt_3(mlrun: Mlrun) -> None:
    mlrun.script(_SCRIPT)
    run = mlrun.ended("--retry", "3", "--retry-on", "exit:75,signal", "train.py", "go")

    assert run["status"] == "Completed"
    assert _facts(run) == [(1, 75, None, None), (2, 75, None, None), (3, 0, None, None)]
    metrics = mlrun.metrics(run["run_id"])
    assert metrics == {"attempt": 3, "only 3": 1, "loss": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, -1.0]}
    logs = mlrun.run_folder(run["run_id"]) / "artifacts"
    assert [(logs / each["log"]).read_text().splitlines()[0] for each in run["attempts"]] == [
        *("attempt 1", "attempt 2", "attempt 1")
    ]
    assert [each["log"] for each in run["attempts"]][:2] == [f"user_logs/std_log_attempt{n}.txt" for n in (1, 2)]
    assert not (mlrun.run_folder(run["run_id"]) / "secrets.json").exists()

    mlrun.database.unlink()
    mlrun("workspace", "repair")
    assert mlrun.metrics(run["run_id"]) == metrics
    assert mlrun.show(run["run_id"])["attempts"] == run["attempts"]
    assert re.search(r"^Attempts +3, after ", mlrun("run", "view", "-r", run["run_id"]).stdout, re.MULTILINE)


def test_a_run_whose_supervisor_was_killed_is_started_again_where_that_is_asked_for(mlrun: Mlrun) -> None:
    mlrun.script(_SCRIPT)
    runs = [mlrun.submit("--retry", "3", *words, "train.py", "wait") for words in ([], ["--retry-on", "exit:75"])]
    for run_id in runs:
        until(partial(mlrun.log, run_id))
        kill(mlrun.supervisor(run_id))
    again, lost = map(mlrun.wait, runs)

    assert lost["status"] == "Failed"
    assert "attempts" not in lost
    assert again["status"] == "Completed"
    assert _facts(again) == [(1, None, None, "SupervisorDied"), (2, 75, None, None), (3, 0, None, None)]


def test_a_run_is_started_again_after_a_restart_of_its_machine_where_that_is_asked_for(mlrun: Mlrun) -> None:
    mlrun.script(_SCRIPT)
    runs = [mlrun.submit("--retry", "3", "--retry-on", each, "train.py", "wait") for each in ("reboot", "signal,exit")]
    for run_id in runs:
        until(partial(mlrun.log, run_id))
    pids = [pid for run_id in runs for pid in (mlrun.supervisor(run_id), mlrun.script_pid(run_id))]
    kill(*pids)
    until(lambda: not any(map(is_alive, pids)))
    mlrun.execute("UPDATE runs SET boot_id = 'of another boot'")
    again, lost = map(mlrun.wait, runs)

    assert "attempts" not in lost
    assert lost["error"]["error"]["innerError"]["code"] == "MachineRestarted"
    assert _facts(again) == [(1, None, None, "MachineRestarted"), (2, 75, None, None)]
    assert mlrun.metrics(again["run_id"]) == {"attempt": 2, "only 2": 1, "loss": [0.0, 1.0, 2.0, 3.0, -1.0]}


def test_a_canceled_run_is_not_started_again(mlrun: Mlrun) -> None:
    mlrun.script(_SCRIPT)
    run_id = mlrun.submit("--retry", "3", "train.py", "wait")
    until(lambda: mlrun.log(run_id))
    mlrun("run", "cancel", "-r", run_id)

    run = mlrun.wait(run_id)
    assert run["status"] == "Canceled"
    assert "attempts" not in run
    assert mlrun.fails("run", "submit-script", "--retry-on", "signal", "train.py").code == "ConflictingOptions"


def test_a_run_is_queued_as_often_as_its_supervisor_is_asked_to_end(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os, time
        print("attempt", os.environ["MLRUN_ATTEMPT"], flush=True)
        while os.environ["MLRUN_ATTEMPT"] != "5":
            time.sleep(0.01)
        """
    )
    run_id = mlrun.submit("--retry", "4", "train.py")
    for number in range(1, 5):
        until(partial(_has_printed, mlrun, run_id, f"attempt {number}\n"))
        os.kill(mlrun.supervisor(run_id), signal.SIGTERM)
        until(lambda: mlrun.show(run_id)["status"] == "Queued")
        assert "next attempt" in mlrun.show(run_id)["waiting_for"]  # the machine may be shutting down
        mlrun.execute("UPDATE runs SET begin_at = 1 WHERE run_id = ?", run_id)
    run = mlrun.wait(run_id)
    assert run["status"] == "Completed"
    assert [each.get("reason") for each in run["attempts"]] == ["SupervisorStopped"] * 4 + [None]


def _has_printed(mlrun: Mlrun, run_id: str, line: str) -> bool:
    return line in mlrun.log(run_id)


def test_the_page_of_a_retried_run_shows_the_log_of_its_last_attempt(mlrun: Mlrun) -> None:
    mlrun.script("def fail():\n    raise ValueError('boom')\nprint('begun', flush=True)\nfail()\n")
    assert mlrun.run(*mlrun.command, "run", "submit-script", "--retry", "1", "train.py").returncode == 1
    page = mlrun("run", "view", "-r", "@latest").stdout
    (first,) = re.findall(r"^Log +(.*)$", page, re.MULTILINE)
    assert first.startswith("--- attempt 2 on ")
    assert page.count("Traceback (most recent call last)") == page.count("ValueError('boom')") == 1
