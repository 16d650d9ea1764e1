"""`run submit-script --stdin`: the script reads what the command that streams it is given."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.terminal import Terminal
from tests.running import Mlrun, until

DEBUGGED = """
import sys

x = 41
print("first", repr(sys.stdin.readline()))
breakpoint()
print("rest", x, repr(sys.stdin.read()))
"""
WORDS = ("run", "submit-script", "--stdin", "-o", "none", "train.py")


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def piped(mlrun: Mlrun, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*mlrun.command, *words],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.promises("local", "standard input")
def test_a_script_reads_a_pipe_to_its_end_by_its_debugger_too(mlrun: Mlrun) -> None:
    mlrun.script(DEBUGGED)
    _, told = piped(mlrun, *WORDS).communicate("one\np x + 1\nc\ntwo\nthree\n", timeout=120)

    assert "first 'one\\n'\n" in told
    assert "(Pdb) 42\n(Pdb) rest 41 'two\\nthree\\n'\n" in told
    assert "Status: Completed" in told
    (run_id,) = mlrun.json("run", "list", "--query", "[].run_id")
    assert not (mlrun.run_folder(run_id) / "stdin").exists()


def test_more_than_a_pipe_holds_waits_for_a_run_that_is_queued(mlrun: Mlrun) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "one", "--max-nodes", "1")
    mlrun.script("import os, time\nwhile not os.path.exists(os.environ['GATE']): time.sleep(0.01)", "first.py")
    mlrun.script("import sys; print(len(sys.stdin.read()))")
    gate = mlrun.folder / "gate"
    mlrun.environment["GATE"] = str(gate)
    mlrun.submit("--ct", "one", "first.py")
    waiting = piped(mlrun, *WORDS[:-1], "--ct", "one", "train.py")
    until(lambda: mlrun.json("run", "list", "--status", "queued"))
    gate.touch()
    _, told = waiting.communicate("x" * 1_000_000, timeout=120)

    assert "\n1000000\n" in told
    assert waiting.returncode == 0


def test_a_script_is_debugged_in_a_terminal(mlrun: Mlrun) -> None:
    mlrun.script("x = 41\nbreakpoint()\nprint('x is', x)\n")
    with Terminal(mlrun, [*mlrun.command, *WORDS]) as terminal:
        terminal.wait_for("(Pdb) ")
        terminal.type("x += 1\n")
        terminal.type("c\n")
        terminal.wait_for("x is 42")
        assert terminal.wait() == 0


def test_input_ends_when_the_run_is_not_streamed_any_more(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print('ready'); print('got', repr(sys.stdin.read()))")
    with piped(mlrun, *WORDS) as streaming:
        assert streaming.stdin is not None and streaming.stderr is not None
        streaming.stdin.write("before")
        streaming.stdin.flush()
        while "ready" not in streaming.stderr.readline():
            pass
        streaming.send_signal(signal.SIGINT)
        assert streaming.wait(60) == 130
    (run_id,) = mlrun.json("run", "list", "--query", "[].run_id")
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id).startswith("ready\ngot '")


def test_without_it_standard_input_is_empty_and_with_async_or_retries_it_is_refused(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print('got', repr(sys.stdin.read()))")
    _, told = piped(mlrun, "run", "submit-script", "train.py").communicate("something\n", timeout=120)
    assert "\ngot ''\n" in told
    for other in (("--async",), ("--retry", "2")):
        failure = mlrun.fails("run", "submit-script", *other, "--stdin", "train.py")
        assert (failure.code, failure.target) == ("ConflictingOptions", "--stdin")
