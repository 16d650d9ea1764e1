"""What a script prints is there while the script still waits; the test holds the FIFO that it waits for."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import local_package
from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun, until

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
        deadline = time.monotonic() + 60
        while not self.seen[name].endswith(wanted):
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
        out, err = self.process.communicate(timeout=60)
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


def test_a_pipe_is_told_once_where_the_installers_output_is(
    mlrun: Mlrun, slow_environment: Gate, follow: Follow
) -> None:
    follower = follow("run", "submit-script", "-d", "conda.yml", "train.py")
    follower.wait_for("stderr", b"environment.log\n")
    time.sleep(0.6)  # in which it would be said again
    slow_environment.open()
    assert follower.end() == 0
    lines = [line for line in follower.seen["stderr"].decode().splitlines() if "Building the environment" in line]
    assert len(lines) == 1
    log = Path(lines[0].partition("output: ")[2])
    assert log == mlrun.run_folder(mlrun.show("@latest")["run_id"]) / "artifacts" / "system_logs" / "environment.log"
    assert log.exists()


def test_colours_and_terminals_stay_out_of_files(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("")
    command = [str(COMMAND), "run", "submit-script", "-o", "jsonc", "train.py"]
    with open(tmp_path / "result", "wb") as result, Terminal(mlrun, command, stdout=result.fileno()) as terminal:
        assert terminal.wait() == 0
    assert json.loads((tmp_path / "result").read_bytes())["status"] == "Completed"
