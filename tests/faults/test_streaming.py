from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, ENDED, Failure, Mlrun, is_alive, parse_failure, until

WAIT_FOR_GO = """
    import os, time
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    print("done", flush=True)
"""
CHATTER = """
    import os, time
    while not os.path.exists("go"):
        print("line", flush=True)
        time.sleep(0.01)
"""

_PIPELINE = """
pipeline:
  name: p
  steps:
    A: {type: PythonScriptStep, script_name: train.py, source_directory: .}
"""


def _started(mlrun: Mlrun) -> str:
    """The id of the run that is being streamed, once its script runs."""
    run_id: str = until(lambda: next((row[0] for row in _running(mlrun)), None))
    until(lambda: mlrun.log(run_id))
    return run_id


def _running(mlrun: Mlrun) -> list[tuple[str]]:
    return _recorded(mlrun, "WHERE status = 'Running'")


def _recorded(mlrun: Mlrun, condition: str = "") -> list[tuple[str]]:
    if not list(mlrun.home.glob("workspaces/*/*/*/workspace.db")):
        return []
    return [(run_id,) for (run_id,) in mlrun.stored(f"SELECT run_id FROM runs {condition}")]


def _blocks(pid: int, number: signal.Signals) -> bool:
    """Return whether a process delays a signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    blocked = re.search(r"^SigBlk:\s*(\w+)$", status, re.MULTILINE)
    return blocked is not None and bool(int(blocked[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize(
    "words",
    [
        ("submit-script", "--async", "train.py"),
        ("submit-pipeline", "-n", "exp", "-y", "pipeline.yml"),
        ("rerun", "--async", "-r", "@latest", "-r", "base"),
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_after_an_asynchronous_submit_names_the_run_that_goes_on(mlrun: Mlrun, words: tuple[str, ...]) -> None:
    """The command waits with a note for a terminal that takes no text, when the run is recorded.

    It delays the signal until it has named the run; an interrupted write would name a run as well, by chance.
    """
    mlrun.script("pass")
    mlrun.script(_PIPELINE, "pipeline.yml")
    mlrun.environment["MLRUN_ENVIRONMENT"] = "current"
    if words[0] == "rerun":
        mlrun.submit("--display-name", "base", "train.py")
        mlrun.submit("train.py")
    earlier = set(_recorded(mlrun))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"." * 4096)
    os.set_blocking(writing, True)
    with (
        subprocess.Popen(
            [*mlrun.command, "run", *words],
            cwd=mlrun.folder,
            env=mlrun.environment,
            stdout=subprocess.PIPE,
            stderr=writing,
            encoding="utf-8",
        ) as submit,
        ExitStack() as stack,
    ):
        stack.callback(submit.kill)
        os.close(writing)
        run_id = until(lambda: next((run_id for (run_id,) in {*_recorded(mlrun)} - earlier), None))
        until(lambda: _blocks(submit.pid, signal.SIGINT))
        submit.send_signal(signal.SIGINT)
        with open(reading, encoding="utf-8") as told:
            lines = told.read().splitlines()
        assert (submit.wait(), submit.stdout and submit.stdout.read()) == (130, "")
    named = [line for line in lines if run_id in line]
    if words[0] == "rerun":
        (again,) = named
        assert any(f"{earlier_id} " in again for (earlier_id,) in earlier)
    else:
        assert named[-1].startswith("WARNING: ")
    assert not any("Traceback" in line for line in lines)
    assert mlrun.wait(run_id)["status"] == "Completed"


def test_ctrl_c_during_the_submit_of_a_sweep_on_a_terminal_names_it_and_how_to_follow_it(mlrun: Mlrun) -> None:
    """Ctrl-S holds what the terminal is told, and with it the command, until Ctrl-C."""
    mlrun.script("pass")
    mlrun.environment["MLRUN_ENVIRONMENT"] = "current"
    sweep = ("run", "sweep", "-o", "none", "--grid", "lr=1,2", "--minimize", "rmse", "train.py")
    with Terminal(mlrun, [*mlrun.command, *sweep]) as terminal:
        terminal.type("\x13")
        run_id = until(lambda: next((run_id for (run_id,) in _recorded(mlrun, "WHERE parent_key IS NULL")), None))
        until(lambda: _blocks(terminal.process.pid, signal.SIGINT))
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert f"mlrun run monitor-logs -r {run_id}\n" in terminal.output
    assert "Traceback" not in terminal.output
    assert mlrun.wait(run_id)["status"] in ENDED


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("verb", ["submit-script", "monitor-logs"])
def test_a_signal_ends_the_streaming_and_not_the_run(
    mlrun: Mlrun, verb: str, number: signal.Signals, exit_code: int
) -> None:
    mlrun.script(WAIT_FOR_GO)
    mlrun.environment["MLRUN_ERROR_FORMAT"] = "json"
    if verb == "submit-script":
        streaming = mlrun.start("run", "submit-script", "train.py")
        run_id = _started(mlrun)
    else:
        run_id = mlrun.submit()
        streaming = mlrun.start("run", "monitor-logs", "-r", run_id)
    assert streaming.stdout is not None
    if verb == "monitor-logs":
        assert streaming.stdout.readline() == "here\n"
    else:
        _read_until(streaming, "here")

    streaming.send_signal(number)

    failure = _interrupted(streaming, exit_code)
    assert failure.target == run_id and f" {run_id} " in failure.message
    assert f"mlrun run monitor-logs -r {run_id}" in failure.hint
    assert f"mlrun run cancel -r {run_id}" in failure.hint
    assert mlrun.wait_for_status(run_id, *ENDED, "Running") == "Running"
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"


@pytest.mark.parametrize("how", ["option", "variable"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_run_when_it_is_told_to(mlrun: Mlrun, how: str, number: signal.Signals) -> None:
    mlrun.script(WAIT_FOR_GO)
    if how == "variable":
        mlrun.environment["MLRUN_ON_INTERRUPT"] = "cancel"
    words = ["--on-interrupt", "cancel"] if how == "option" else []
    streaming = mlrun.start("run", "submit-script", *words, "train.py")
    run_id = _started(mlrun)
    _read_until(streaming, "here")

    streaming.send_signal(number)

    stderr = streaming.communicate(timeout=180)[1]
    assert streaming.returncode == 128 + number
    assert re.search(rf"\b{number.name}: .* {run_id} ", stderr) and "mlrun run cancel" not in stderr
    assert mlrun.wait(run_id)["status"] == "Canceled"


@pytest.mark.kill
@pytest.mark.parametrize("how", ["submit-script", "monitor-logs", "slurm"])
def test_a_run_that_is_to_be_canceled_with_its_stream_is_canceled_when_that_is_killed(mlrun: Mlrun, how: str) -> None:
    mlrun.script(WAIT_FOR_GO)
    if how == "slurm":
        mlrun.environment["SLURM_JOB_ID"] = "4711"
    else:
        mlrun.environment["MLRUN_ON_INTERRUPT"] = "cancel"
    if how == "monitor-logs":
        run_id = mlrun.submit()
        streaming = mlrun.start("run", "monitor-logs", "-r", run_id)
        assert streaming.stdout is not None
        assert streaming.stdout.readline() == "here\n"
    else:
        streaming = mlrun.start("run", "submit-script", "train.py")
        run_id = _started(mlrun)

    streaming.kill()

    streaming.communicate()
    mlrun.wait_for_status(run_id, *ENDED)  # without anybody who looks
    record = mlrun.show(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")
    error = record["error"]["error"]
    assert (error["code"], error["innerError"]["code"]) == ("UserError", "StreamKilled")
    assert "--on-interrupt cancel" in error["message"]
    assert record["properties"].get("slurm_job_id") == ("4711" if how == "slurm" else None)


@pytest.mark.kill
@pytest.mark.parametrize("milliseconds", [0, 10, 40, 90])
def test_no_run_outlives_a_submit_that_was_killed_before_it_could_stream(mlrun: Mlrun, milliseconds: int) -> None:
    mlrun.script(WAIT_FOR_GO)
    with mlrun.start("run", "submit-script", "--on-interrupt", "cancel", "train.py") as submitting:
        until(lambda: _lists_a_run(mlrun))
        time.sleep(milliseconds / 1000)
        submitting.kill()
    (record,) = mlrun.json("run", "list")
    run_id = record["run_id"]
    if record["status"] != "Failed":  # it had no supervisor yet
        assert mlrun.wait(run_id)["status"] == "Canceled"
    assert mlrun.processes(run_id) == []


def _lists_a_run(mlrun: Mlrun) -> bool:
    return bool(list(mlrun.home.glob("workspaces/*/*/*/workspace.db")) and mlrun.stored("SELECT run_id FROM runs"))


@pytest.mark.kill
def test_a_queued_run_is_canceled_with_its_stream_and_one_whose_reader_went_away_is_not(mlrun: Mlrun) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    mlrun.script(WAIT_FOR_GO)
    first = mlrun.submit("--ct", "single", "train.py")
    mlrun.wait_for_status(first, "Running")
    streaming = mlrun.start("run", "submit-script", "--on-interrupt", "cancel", "--ct", "single", "train.py")
    ((second,),) = until(lambda: mlrun.stored("SELECT run_id FROM runs WHERE status = 'Queued'"))
    third = mlrun.submit("--ct", "single", "train.py")
    with mlrun.start("run", "monitor-logs", "--on-interrupt", "cancel", "-r", third) as reading:
        until(lambda: list((mlrun.run_folder(third) / "streams").glob("[!.]*")))
        assert reading.stdout is not None
        reading.stdout.close()

        streaming.kill()
        streaming.communicate()
        mlrun.wait_for_status(second, *ENDED)
        assert mlrun.history(second) == ["NotStarted", "Queued", "Canceled"]
        assert not (mlrun.run_folder(second) / "secrets.json").exists()
        (mlrun.run_folder(first) / "work" / "go").touch()
        mlrun.wait_for_status(third, "Running")
    assert list((mlrun.run_folder(third) / "streams").iterdir()) == []
    assert mlrun.wait_for_status(third, *ENDED, "Running") == "Running"
    (mlrun.run_folder(third) / "work" / "go").touch()
    assert mlrun.wait(third)["status"] == "Completed"


def test_a_reader_that_goes_away_ends_the_streaming_and_not_the_run(mlrun: Mlrun) -> None:
    mlrun.script(CHATTER)
    run_id = mlrun.submit()
    streaming = mlrun.start("run", "monitor-logs", "-r", run_id)
    assert streaming.stdout is not None
    assert streaming.stdout.readline() == "line\n"

    streaming.stdout.close()

    assert streaming.stderr is not None
    stderr = streaming.stderr.read()
    streaming.stderr.close()
    assert streaming.wait(60) == 128 + signal.SIGPIPE
    assert stderr == ""
    assert mlrun.wait_for_status(run_id, *ENDED, "Running") == "Running"
    assert is_alive(mlrun.script_pid(run_id))
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"


def test_the_first_line_of_a_long_log_can_be_had_with_head(mlrun: Mlrun) -> None:
    mlrun.script("for number in range(200_000):\n    print(number)\n")
    run_id = mlrun.submit()
    mlrun.wait(run_id)

    line = subprocess.run(
        ["sh", "-c", '"$0" run monitor-logs -r "$1" | head -1', mlrun.command[0], run_id],
        cwd=mlrun.folder,
        env=mlrun.environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert (line.stdout, line.stderr) == ("0\n", "")


def _interrupted(streaming: subprocess.Popen[str], *exit_codes: int) -> Failure:
    """Return the error with which a signal has ended the streaming."""
    failure = parse_failure(streaming.wait(timeout=180), streaming.communicate()[1])
    assert failure.exit_code in exit_codes
    assert failure.code == "StreamInterrupted"
    return failure


def _read_until(streaming: subprocess.Popen[str], text: str) -> None:
    """Read lines from where the log is streamed to, which is stderr when stdout is for the result."""
    assert streaming.stderr is not None
    while text not in (line := streaming.stderr.readline()):
        assert line, "the stream has ended"


@pytest.mark.parametrize("delay_milliseconds", [0, 10, 40])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_after_the_run_is_written_leaves_it_going(
    mlrun: Mlrun, number: signal.Signals, delay_milliseconds: int
) -> None:
    mlrun.script(WAIT_FOR_GO)
    mlrun.environment["MLRUN_ERROR_FORMAT"] = "json"
    mlrun.script("print('first')\n", "first.py")
    mlrun("run", "submit-script", "first.py")
    streaming = mlrun.start("run", "submit-script", "train.py")
    (run_id,) = until(lambda: next(iter(mlrun.stored("SELECT run_id FROM runs WHERE script_name = 'train.py'")), None))
    time.sleep(delay_milliseconds / 1000)

    streaming.send_signal(number)

    failure = _interrupted(streaming, 128 + number)
    assert failure.target == run_id
    assert f"mlrun run cancel -r {run_id}" in failure.hint
    mlrun.wait_for_status(run_id, "Running")
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_run_is_being_written_leaves_it_going(mlrun: Mlrun, number: signal.Signals) -> None:
    mlrun.script("pass")
    mlrun.environment["MLRUN_ERROR_FORMAT"] = "json"
    # A disk that takes a second to say that it has the run.
    mlrun.command = [
        *("strace", "--output=/dev/null", "--trace=fdatasync,fsync", "--inject=fdatasync,fsync:delay_exit=1s"),
        *mlrun.command,
    ]
    streaming = mlrun.start("run", "submit-script", "train.py")
    until(lambda: next(mlrun.home.glob("workspaces/*/*/*/runs/*/secrets.json"), None))
    (pid,) = Path(f"/proc/{streaming.pid}/task/{streaming.pid}/children").read_text(encoding="ascii").split()

    os.kill(int(pid), number)

    failure = _interrupted(streaming, 128 + number, -number)  # strace ends as its child did
    mlrun.command = [str(COMMAND)]
    (run_id,) = mlrun.json("run", "list", "--query", "[].run_id")
    assert failure.target == run_id
    assert f"mlrun run cancel -r {run_id}" in failure.hint
    assert mlrun.wait(run_id)["status"] == "Completed"
