"""`mlrun run submit-script train.py && echo ok`, however the run ends: exit code, last lines and status."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.acceptance.installed import bash
from tests.acceptance.terminal import Terminal
from tests.running import Mlrun, until

LINE = "mlrun run submit-script train.py && echo ok"
SLEEPS = "print('started', flush=True)\nimport time; time.sleep(600)"

STOPS_SLOWLY = """
import os, signal, sys, time

def stop(*_):
    print("stopping", flush=True)
    while not os.path.exists("go"): time.sleep(0.01)
    print("stopped", flush=True)
    sys.exit(1)

signal.signal(signal.SIGTERM, stop)
print("started", flush=True)
time.sleep(600)
"""


def last_lines(text: str) -> list[str]:
    return text.rstrip().splitlines()[-6:]


def started(mlrun: Mlrun) -> str:
    """The id of the only run, once it is Running and its script has printed."""
    rows: list[tuple[str]] = until(lambda: mlrun.stored("SELECT run_id FROM runs"))
    run_id = rows[0][0]
    until(lambda: "started" in mlrun.log(run_id))
    mlrun.wait_for_status(run_id, "Running")
    return run_id


def test_completed(mlrun: Mlrun) -> None:
    mlrun.script("print('done')")
    done = bash(mlrun, LINE)
    assert (done.returncode, done.stdout[-3:]) == (0, "ok\n")
    assert any(line.startswith("Status: Completed after 0:00:0") for line in last_lines(done.stderr))
    assert mlrun.show("@latest")["exit_code"] == 0


def test_failed_with_an_exit_code(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print('the last words'); sys.exit(3)")
    done = bash(mlrun, LINE)
    assert done.returncode == 1
    assert not done.stdout.endswith("ok\n")
    lines = last_lines(done.stderr)
    assert "the last words" in done.stderr
    assert any(line.startswith("Status: Failed (exit code 3)") for line in lines)
    assert any(
        line.startswith("Error: ") and line.endswith(" exit code 3. Its last line: the last words") for line in lines
    )
    assert lines[-1] == f"Log: {mlrun.run_folder(mlrun.show('@latest')['run_id'])}/artifacts/user_logs/std_log.txt"


def test_failed_with_an_exception(mlrun: Mlrun) -> None:
    mlrun.script("def train():\n    return {}['loss']\ntrain()")
    done = bash(mlrun, LINE)
    assert done.returncode == 1
    assert "Error: KeyError: 'loss'" in last_lines(done.stderr)
    error = mlrun.show("@latest")["error"]["error"]
    assert error["code"] == "UserError"
    assert error["debugInfo"]["type"] == "KeyError"
    assert "in train" in error["debugInfo"]["stackTrace"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_killed_by_a_signal(mlrun: Mlrun, number: signal.Signals) -> None:
    mlrun.script(f"import os; print('started', flush=True); os.kill(os.getpid(), {int(number)})")
    done = bash(mlrun, LINE)
    assert done.returncode == 1
    assert any(line.startswith(f"Status: Failed (signal {number.name})") for line in last_lines(done.stderr))
    run = mlrun.show("@latest")
    assert (run["status"], run["signal"]) == ("Failed", number.name)
    assert "exit_code" not in run


def test_canceled_from_another_shell(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    first = subprocess.Popen(
        ["bash", "-c", LINE],
        cwd=mlrun.folder, env=mlrun.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    run_id = started(mlrun)
    assert mlrun.json("run", "cancel", "-r", run_id)["status"] == "CancelRequested"
    out, err = first.communicate(timeout=180)
    assert first.returncode == 1
    assert json.loads(out)["status"] == "Canceled"
    assert any(line.startswith("Status: Canceled") for line in last_lines(err))


def test_timed_out(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    (mlrun.folder / ".azureml" / "short.runconfig").write_text(
        "script: train.py\nmaxRunDurationSeconds: 1\nenvironment:\n  python:\n    userManagedDependencies: true\n",
        encoding="utf-8",
    )
    done = bash(mlrun, "mlrun run submit-script -c short && echo ok")
    assert done.returncode == 1
    run = json.loads(done.stdout)
    assert run["status"] == "Canceled"
    assert " 1 second" in run["error"]["error"]["message"]
    assert any("maxRunDurationSeconds" in line for line in last_lines(done.stderr))


def test_ctrl_c_ends_the_streaming_and_leaves_the_run_going(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    with Terminal(mlrun, ["bash", "-c", f'{LINE}; echo "code $?"']) as terminal:
        run_id = started(mlrun)
        terminal.wait_for("started")
        terminal.type("\x03")
        terminal.wait()
    told = terminal.output.rpartition("started\n")[2]
    assert f"mlrun run monitor-logs -r {run_id}" in told
    assert f"mlrun run cancel -r {run_id}" in told
    assert "ok" not in told.splitlines()
    assert mlrun.show(run_id)["status"] == "Running"


def test_ctrl_c_gives_exit_code_130(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    with Terminal(mlrun, ["mlrun", "run", "submit-script", "train.py"]) as terminal:
        run_id = started(mlrun)
        terminal.wait_for("started")
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert mlrun.show(run_id)["status"] == "Running"


@pytest.mark.parametrize("way", ["option", "variable"])
def test_ctrl_c_cancels_where_it_was_told_to(mlrun: Mlrun, way: str) -> None:
    mlrun.script(SLEEPS)
    words = ["--on-interrupt", "cancel"] if way == "option" else []
    if way == "variable":
        mlrun.environment["MLRUN_ON_INTERRUPT"] = "cancel"
    with Terminal(mlrun, ["mlrun", "run", "submit-script", *words, "train.py"]) as terminal:
        run_id = started(mlrun)
        terminal.wait_for("started")
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert mlrun.stored_status(run_id) == "Canceled"
    after = terminal.output.partition("has been asked to stop")[2]
    assert "Status: Canceled" in after
    assert '"status": "Canceled"' in after


def test_the_log_is_streamed_to_its_end_after_a_signal_that_cancels(mlrun: Mlrun) -> None:
    mlrun.script(STOPS_SLOWLY)
    streaming = mlrun.start("run", "submit-script", "--on-interrupt", "cancel", "train.py")
    run_id = started(mlrun)
    streaming.terminate()
    until(lambda: "stopping" in mlrun.log(run_id))
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    out, err = streaming.communicate(timeout=180)
    assert streaming.returncode == 143
    assert json.loads(out)["status"] == "Canceled"
    assert "stopping\nstopped\n" in err
    assert err.index("SIGTERM: the run") < err.index("Execution Summary")


def test_a_second_signal_leaves_a_run_that_is_still_stopping(mlrun: Mlrun) -> None:
    mlrun.script(STOPS_SLOWLY)
    run_id = mlrun.submit()
    streaming = mlrun.start("run", "monitor-logs", "--on-interrupt", "cancel", "-r", run_id)
    assert streaming.stdout is not None
    assert streaming.stdout.readline() == "started\n"
    streaming.terminate()
    assert streaming.stdout.readline() == "stopping\n"
    streaming.send_signal(signal.SIGINT)
    err = streaming.communicate(timeout=180)[1]
    assert streaming.returncode == 130
    assert f"mlrun run monitor-logs -r {run_id}\n" in err
    assert mlrun.stored_status(run_id) == "CancelRequested"
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Canceled"


def test_the_lines_shown_after_ctrl_c_work_when_they_are_pasted(mlrun: Mlrun) -> None:
    elsewhere = ("--path", "../else where")
    mlrun("folder", "attach", *elsewhere, "-w", "my ws", "-g", "group", "--subscription-id", "sub", "-e", "it's")
    mlrun.script(SLEEPS, "../else where/train.py")
    run_id = mlrun.json("run", "submit-script", *elsewhere, "--async", "train.py")["run_id"]
    streaming = mlrun.start("run", "monitor-logs", *elsewhere, "-r", run_id)
    assert streaming.stdout is not None
    assert streaming.stdout.readline() == "started\n"
    streaming.send_signal(signal.SIGINT)
    lines = streaming.communicate(timeout=180)[1].splitlines()
    follow = next(line for line in lines if line.startswith("Follow it: ")).removeprefix("Follow it: ")
    stop = next(line for line in lines if line.startswith("Stop it: ")).removeprefix("Stop it: ")
    assert json.loads(bash(mlrun, stop).stdout)["run_id"] == run_id
    followed = bash(mlrun, follow)
    assert followed.stdout == "started\n"
    assert f"{run_id}: Canceled" in followed.stderr


def test_a_line_to_paste_names_no_workspace_where_the_folder_does(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    run_id = mlrun.submit()
    started(mlrun)
    streaming = mlrun.start("run", "monitor-logs", "-w", "default", "-r", run_id)
    assert streaming.stdout is not None
    streaming.stdout.readline()
    streaming.send_signal(signal.SIGINT)
    assert f"mlrun run monitor-logs -r {run_id}\n" in streaming.communicate(timeout=180)[1]


def test_an_exception_that_leaves_the_block_of_the_run_is_its_error(mlrun: Mlrun) -> None:
    mlrun.script("""
        from azureml.core import Run
        with Run.get_context() as run:
            raise KeyError("kaput")
    """)
    bash(mlrun, LINE)
    error = mlrun.show("@latest")["error"]["error"]
    assert error["debugInfo"]["type"] == "KeyError"
    assert "kaput" in error["message"]
    assert 'raise KeyError("kaput")' in error["debugInfo"]["stackTrace"]


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("sys.exit(3)", "The script ended with exit code 3."),
        ("os.kill(os.getpid(), 9)", "The script ended with signal SIGKILL."),
    ],
)
def test_an_exception_that_was_handled_is_not_the_error(mlrun: Mlrun, end: str, message: str) -> None:
    mlrun.script(f"""
        import os, sys, traceback
        try:
            [][0]
        except IndexError:
            traceback.print_exc()
        {end}
    """)
    done = bash(mlrun, LINE)
    assert "IndexError" in done.stderr
    assert not any("IndexError" in line for line in last_lines(done.stderr))
    error = mlrun.show("@latest")["error"]["error"]
    assert error["message"] == message
    assert "type" not in error["debugInfo"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "import argparse; argparse.ArgumentParser().parse_args()",
            "The script ended with exit code 2. Its last line: train.py: error: unrecognized arguments: --lr 0.1",
        ),
        (
            "import os, sys; sys.exit('no data behind ' + os.environ['DATA_TOKEN'])",
            "The script ended with exit code 1. Its last line: no data behind ***",
        ),
    ],
)
def test_the_last_line_of_a_script_is_part_of_its_error(mlrun: Mlrun, script: str, message: str) -> None:
    mlrun.script(script)
    bash(mlrun, "mlrun run submit-script --env DATA_TOKEN=Quince42Marmalade train.py --lr 0.1")
    assert mlrun.show("@latest")["error"]["error"]["message"] == message


def test_a_hangup_of_the_terminal_leaves_the_run_going(mlrun: Mlrun) -> None:
    mlrun.script(SLEEPS)
    with Terminal(mlrun, ["mlrun", "run", "submit-script", "train.py"]) as terminal:
        run_id = started(mlrun)
        os.kill(terminal.process.pid, signal.SIGHUP)
    assert mlrun.show(run_id)["status"] == "Running"


def test_fail_beats_exit_code_0_and_exit_code_beats_complete(mlrun: Mlrun) -> None:
    mlrun.script("""
        import sys
        from azureml.core import Run
        run = Run.get_context()
        run.fail("not good enough") if sys.argv[1] == "fail" else run.complete()
        sys.exit(int(sys.argv[2]))
    """)
    failed = bash(mlrun, "mlrun run submit-script train.py fail 0")
    assert (failed.returncode, json.loads(failed.stdout)["status"]) == (1, "Failed")
    assert "not good enough" in failed.stderr
    exited = bash(mlrun, "mlrun run submit-script train.py complete 3")
    assert (exited.returncode, json.loads(exited.stdout)["status"]) == (1, "Failed")
    completed = bash(mlrun, "mlrun run submit-script train.py complete 0")
    assert (completed.returncode, json.loads(completed.stdout)["status"]) == (0, "Completed")
