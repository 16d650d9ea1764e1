from __future__ import annotations

import shutil

import pytest

from tests.running import Mlrun, is_alive, kill, until


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
    assert record["status"] == "Failed"
    assert "folder of the run has been removed" in record["error"]["error"]["message"]
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
