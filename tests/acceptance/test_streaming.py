"""What a script prints is there while the script still waits; the test holds the FIFO that it waits for."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import local_package
from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun, until
from tests.sdk.driving import drive

WAITS_FOR_A_FIFO = """
import os, sys

gate = os.open(os.environ["GATE"], os.O_RDONLY)
euro = bytes([0xe2, 0x82, 0xac])
for piece in (b"a line\\n", b"half a line", b"\\r 10%", b"\\r 20%", euro[:2], euro[2:] + bytes([0xff, 0]) + b"end\\n"):
    os.write(1, piece)
    os.read(gate, 1)
print("on stderr", file=sys.stderr)
sys.exit(int(os.environ.get("EXIT", "0")))
"""
PIECES = [b"a line\n", b"half a line", b"\r 10%", b"\r 20%", b"\xe2\x82", b"\xac\xff\x00end\n"]
WHOLE = b"".join(PIECES) + b"on stderr\n"


class Gate:
    """A FIFO; each `open` lets the script take one step."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._fifo = os.open(path, os.O_RDWR)  # for reading too, so that nobody waits for the other side

    def open(self) -> None:
        os.write(self._fifo, b".")

    def close(self) -> None:
        os.close(self._fifo)


@pytest.fixture
def gate(mlrun: Mlrun) -> Iterator[Gate]:
    """Where `train.py` waits after each piece that it prints."""
    mlrun.script(WAITS_FOR_A_FIFO)
    mlrun.environment["GATE"] = str(mlrun.folder.parent / "gate")
    gate = Gate(mlrun.folder.parent / "gate")
    yield gate
    gate.close()


class Follower:
    """A call of the command with bytes on its pipes."""

    def __init__(self, mlrun: Mlrun, *words: str) -> None:
        self.process = subprocess.Popen(
            [*mlrun.command, *words],
            cwd=mlrun.folder,
            env=mlrun.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.streams = {"stdout": self.process.stdout.fileno(), "stderr": self.process.stderr.fileno()}
        self.seen = {"stdout": b"", "stderr": b""}

    def wait_for(self, name: str, wanted: bytes) -> None:
        """Until the stream ends with these bytes."""
        self._read_until(name, lambda: self.seen[name].endswith(wanted))

    def wait_to_see(self, name: str, wanted: bytes) -> None:
        """Until these bytes are in the stream."""
        self._read_until(name, lambda: wanted in self.seen[name])

    def _read_until(self, name: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 180
        while not is_there():
            assert time.monotonic() < deadline, self.seen
            if select.select([self.streams[name]], [], [], 0.5)[0]:
                piece = os.read(self.streams[name], 1 << 16)
                assert piece, self.seen
                self.seen[name] += piece

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> int:
        """Wait for its end, with all it prints."""
        out, err = self.process.communicate(timeout=180)
        self.seen["stdout"] += out
        self.seen["stderr"] += err
        return self.process.returncode


@pytest.fixture
def follow(mlrun: Mlrun) -> Iterator[Callable[..., Follower]]:
    """Starts a call of the command, and ends what a failed test has left."""
    followers = []

    def start(*words: str) -> Follower:
        followers.append(Follower(mlrun, *words))
        return followers[-1]

    yield start
    for follower in followers:
        follower.close()


Follow = Callable[..., Follower]


def test_every_piece_is_there_while_the_script_waits(gate: Gate, follow: Follow) -> None:
    follower = follow("run", "submit-script", "train.py")
    shown = b""
    for piece in PIECES:
        shown += piece
        follower.wait_for("stderr", shown)
        gate.open()
    assert follower.end() == 0
    assert WHOLE in follower.seen["stderr"]
    assert json.loads(follower.seen["stdout"])["status"] == "Completed"


def test_several_followers_see_the_same_from_the_beginning(mlrun: Mlrun, gate: Gate, follow: Follow) -> None:
    run_id = mlrun.submit()
    followers = [follow("run", "monitor-logs", "-r", run_id) for _ in range(2)]
    for piece in PIECES[:3]:
        for follower in followers:
            follower.wait_for("stdout", piece)
        gate.open()
    late = follow("run", "monitor-logs", "-r", run_id)
    late.wait_for("stdout", b"".join(PIECES[:4]))
    for _ in PIECES[3:]:
        gate.open()
    for follower in (*followers, late):
        assert follower.end() == 0
        assert follower.seen == {"stdout": WHOLE, "stderr": b""}


def test_monitor_logs_exits_by_the_outcome_of_the_run(mlrun: Mlrun, gate: Gate, follow: Follow) -> None:
    mlrun.environment["EXIT"] = "7"
    run_id = mlrun.submit()
    follower = follow("run", "monitor-logs", "-r", run_id)
    for _ in PIECES:
        gate.open()
    assert follower.end() == 1
    assert follower.seen["stdout"] == WHOLE
    assert b"exit code 7" in follower.seen["stderr"]


def test_a_last_line_without_a_break_is_completed_before_what_follows_it_and_not_in_a_file(mlrun: Mlrun) -> None:
    mlrun.script("print('half a line', end='')")
    done = mlrun("run", "submit-script", "train.py")
    assert "half a line\n\nExecution Summary\n" in done.stderr
    assert mlrun("run", "monitor-logs", "-r", "@latest").stdout == "half a line"
    with Terminal(mlrun, [COMMAND, "run", "monitor-logs", "-r", "@latest"]) as terminal:
        assert terminal.wait() == 0
        assert terminal.output == "half a line\n"


def test_a_follower_that_goes_away_leaves_the_run_alone(mlrun: Mlrun, gate: Gate, follow: Follow) -> None:
    run_id = mlrun.submit()
    follower = follow("run", "monitor-logs", "-r", run_id)
    follower.wait_for("stdout", PIECES[0])
    follower.process.kill()
    follower.end()
    for _ in PIECES:
        gate.open()
    assert mlrun.wait(run_id)["status"] == "Completed"


def test_a_long_log_comes_whole(mlrun: Mlrun) -> None:
    mlrun.script("""
        import sys
        for number in range(300_000):
            sys.stdout.write(f"{number}\\n")
    """)
    done = mlrun("run", "submit-script", "train.py")
    expected = "".join(f"{number}\n" for number in range(300_000))
    assert expected in done.stderr
    assert mlrun("run", "monitor-logs", "-r", "@latest").stdout == expected


@pytest.fixture
def slow_environment(mlrun: Mlrun, gate: Gate) -> Gate:
    """`-d conda.yml` asks for a package whose build waits at the gate."""
    slow = local_package(mlrun.folder.parent, "slow", when_built='os.read(os.open(os.environ["GATE"], os.O_RDONLY), 1)')
    (mlrun.folder / "conda.yml").write_text(f"dependencies:\n- pip:\n  - {slow}\n", encoding="utf-8")
    mlrun.script("import slow; print('made')")
    return gate


def test_a_terminal_shows_what_is_waited_for(mlrun: Mlrun, slow_environment: Gate) -> None:
    with Terminal(mlrun, [COMMAND, "run", "submit-script", "-d", "conda.yml", "train.py"]) as terminal:
        terminal.wait_for("Preparing the environment")
        slow_environment.open()
        assert terminal.wait() == 0
    assert "Building the environment" not in terminal.output
    after = terminal.output.rpartition("made\n")[2]
    assert "Preparing" not in after
    assert '"status": "Completed"' in after


def test_a_pipe_shows_nothing_that_moves(mlrun: Mlrun, slow_environment: Gate, follow: Follow) -> None:
    mlrun.environment["FORCE_COLOR"] = "1"
    follower = follow("run", "submit-script", "-d", "conda.yml", "train.py")
    until(lambda: mlrun.stored("SELECT 1 FROM runs WHERE status = 'Preparing'"))
    time.sleep(1.5)  # longer than a terminal waits before it shows a spinner
    slow_environment.open()
    assert follower.end() == 0
    told = follower.seen["stderr"]
    assert b"made\n" in told
    assert b"Preparing" not in told
    assert b"\x1b" not in told


BUILD = b"Streaming system_logs/environment.log\n=====================================\n\nBuilding environment "
SCRIPT_TITLE = b"\nStreaming user_logs/std_log.txt\n===============================\n\n"
SCRIPT = SCRIPT_TITLE + b"made\n"
IN_SLOW_ENVIRONMENT = ("-d", "conda.yml", "train.py")


def test_a_build_streams_above_the_script_and_only_where_something_is_built(
    mlrun: Mlrun, slow_environment: Gate, follow: Follow
) -> None:
    follower = follow("run", "submit-script", *IN_SLOW_ENVIRONMENT)
    follower.wait_to_see("stderr", BUILD)
    assert b"std_log.txt" not in follower.seen["stderr"]
    slow_environment.open()
    assert follower.end() == 0
    log = (mlrun.run_folder(mlrun.show("@latest")["run_id"]) / "artifacts/system_logs/environment.log").read_bytes()
    assert BUILD.partition(b"Building")[0] + log + SCRIPT in follower.seen["stderr"]
    again = mlrun("run", "submit-script", *IN_SLOW_ENVIRONMENT).stderr.encode()
    assert SCRIPT in again
    assert b"environment.log" not in again
    assert mlrun("run", "monitor-logs", "-r", "@latest").stdout == "made\n"


def test_all_who_follow_a_build_see_the_same_whenever_they_come(
    mlrun: Mlrun, slow_environment: Gate, follow: Follow
) -> None:
    run_id = mlrun.submit(*IN_SLOW_ENVIRONMENT)
    early = follow("run", "monitor-logs", "-r", run_id)
    early.wait_to_see("stdout", BUILD)
    slow_environment.open()
    assert early.end() == 0
    late = mlrun("run", "monitor-logs", "-r", run_id)
    assert late.stdout.encode() == early.seen["stdout"]
    assert early.seen["stdout"].startswith(BUILD)
    assert early.seen["stdout"].endswith(SCRIPT)
    assert (late.stderr, early.seen["stderr"]) == ("", b"")


def test_what_the_installer_says_last_stands_above_the_title_of_a_script_that_is_silent(
    mlrun: Mlrun, slow_environment: Gate, follow: Follow
) -> None:
    mlrun.script("import os; os.read(os.open(os.environ['GATE'], os.O_RDONLY), 1); print('made')")
    follower = follow("run", "submit-script", *IN_SLOW_ENVIRONMENT)
    follower.wait_to_see("stderr", BUILD)
    follower.process.send_signal(signal.SIGSTOP)
    slow_environment.open()
    until(lambda: mlrun.stored("SELECT 1 FROM runs WHERE status = 'Running'"))
    follower.process.send_signal(signal.SIGCONT)
    follower.wait_to_see("stderr", SCRIPT_TITLE)
    slow_environment.open()
    assert follower.end() == 0
    log = (mlrun.run_folder(mlrun.show("@latest")["run_id"]) / "artifacts/system_logs/environment.log").read_bytes()
    assert log + SCRIPT in follower.seen["stderr"]


def test_who_waits_for_the_build_of_another_run_sees_that(mlrun: Mlrun, slow_environment: Gate, follow: Follow) -> None:
    first = mlrun.submit(*IN_SLOW_ENVIRONMENT)
    building = mlrun.run_folder(first) / "artifacts/system_logs/environment.log"
    until(lambda: building.exists() and b"slow" in building.read_bytes())
    follower = follow("run", "submit-script", *IN_SLOW_ENVIRONMENT)
    follower.wait_to_see(
        "stderr", b"\nAnother run is building this environment; waiting for it.\nBuilding environment "
    )
    slow_environment.open()
    assert follower.end() == 0
    assert mlrun.wait(first)["status"] == "Completed"
    assert building.read_bytes() in follower.seen["stderr"]
    assert follower.seen["stderr"].count(b"Building environment ") == 1
    assert follower.seen["stderr"].count(b" is ready.\n") == 1


def test_a_build_that_fails_has_said_so_once_and_steers_no_terminal(mlrun: Mlrun) -> None:
    conda = mlrun.script("#!/bin/sh\nprintf 'no\\033[2Jluck\\n'\nexit 1\n", "programs/conda")
    conda.chmod(0o755)
    mlrun.environment["PATH"] = f"{conda.parent}{os.pathsep}{mlrun.environment['PATH']}"
    mlrun.script("dependencies: [python]\n", "conda.yml")
    mlrun.script("")
    done = mlrun("run", "submit-script", "-d", "conda.yml", "train.py", check=False)
    assert done.returncode == 1
    streamed, _, summary = done.stderr.partition("\nExecution Summary\n")
    assert streamed.count("\nnoluck\n") == 1
    assert "\x1b" not in done.stderr
    assert "std_log.txt" not in streamed
    assert "The last lines of" not in done.stderr
    assert "Status: Failed" in summary
    assert "environment.log" in summary


def test_a_driver_that_asks_for_the_output_sees_the_build_above_it(mlrun: Mlrun, slow_environment: Gate) -> None:
    slow_environment.open()
    output = drive(
        mlrun,
        """
        from azureml.core import Environment, Experiment, ScriptRunConfig
        environment = Environment.from_conda_specification("slow", "conda.yml")
        source = ScriptRunConfig(".", "train.py", environment=environment)
        Experiment(Workspace.from_config(), "exp").submit(source).wait_for_completion(show_output=True)
        """,
    ).encode()
    assert BUILD in output
    assert SCRIPT in output.partition(BUILD)[2]


def test_colours_and_terminals_stay_out_of_files(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("")
    command = [str(COMMAND), "run", "submit-script", "-o", "jsonc", "train.py"]
    with open(tmp_path / "result", "wb") as result, Terminal(mlrun, command, stdout=result.fileno()) as terminal:
        assert terminal.wait() == 0
    assert json.loads((tmp_path / "result").read_bytes())["status"] == "Completed"
