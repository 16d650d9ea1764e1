"""What moves on a terminal while a command takes long; in a pipe nothing does."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun, until

FILES = 400
PATIENCE_SECONDS = 1.1
INTERRUPTED = """
import os, signal, threading
from mlrun_cli.cli.output.progress import Spinner
from mlrun_cli.processes.interruptions import Interruptions
with Spinner(enabled=True) as spinner, Interruptions() as interruptions:
    while threading.active_count() == 1:
        spinner.update("Snapshot")
    interruptions.block()
    for _ in range(10_000):
        os.kill(os.getpid(), signal.SIGINT)
    print("protected", flush=True)
"""


def test_waiting_shows_what_for(mlrun: Mlrun) -> None:
    gate = mlrun.folder / "gate"
    os.mkfifo(gate)
    mlrun.script("import sys; open(sys.argv[1]).read()")
    run_id = mlrun.submit("train.py", str(gate))
    mlrun.wait_for_status(run_id, "Running")
    with Terminal(mlrun, [COMMAND, "run", "wait", "-r", run_id, "-o", "none"], columns=200) as terminal:
        terminal.wait_for(f"Waiting for 1 run: {run_id} Running")
        gate.write_text("")
        assert terminal.wait() == 0
    assert mlrun("run", "wait", "-r", run_id).stderr == ""


def test_ctrl_c_waits_for_what_must_be_completed_while_something_moves(mlrun: Mlrun) -> None:
    with Terminal(mlrun, [sys.executable, "-c", INTERRUPTED]) as terminal:
        assert terminal.wait() != 0
        assert "protected" in terminal.output and "KeyboardInterrupt" in terminal.output


@pytest.mark.parametrize(
    ("words", "destination"),
    [
        (("model", "register", "-n", "model", "-p", "many"), "models"),
        (("datastore", "upload", "-n", "workspaceblobstore", "-p", "many", "--overwrite", "true"), "datastores"),
    ],
)
def test_a_long_copy_shows_how_much_has_been_copied(mlrun: Mlrun, words: tuple[str, ...], destination: str) -> None:
    many = mlrun.folder / "many"
    many.mkdir()
    for number in range(FILES):
        (many / f"{number}.bin").write_bytes(bytes(5000))
    place = mlrun.database.parent / destination
    shown = ""
    while not shown:  # once more where all was copied before it was stopped
        shown = stopped_halfway(mlrun, words, place)
    assert "Copying: " in shown
    done = mlrun(*words)
    assert "Copying" not in done.stderr


def stopped_halfway(mlrun: Mlrun, words: tuple[str, ...], place: Path) -> str:
    """What a terminal has shown of a copy that was stopped between two files for a while; empty if it was too quick."""
    shutil.rmtree(place, ignore_errors=True)
    with Terminal(mlrun, [COMMAND, *words, "-o", "none"]) as terminal:
        until(lambda: count(place) > 0)
        os.kill(terminal.process.pid, signal.SIGSTOP)
        is_halfway = count(place) < FILES - 1
        if is_halfway:
            time.sleep(PATIENCE_SECONDS)
        os.kill(terminal.process.pid, signal.SIGCONT)
        assert terminal.wait() == 0
        return terminal.output if is_halfway else ""


def count(place: Path) -> int:
    """Files that have been copied."""
    return sum(1 for _folder, _folders, names in os.walk(place) for name in names if name.endswith(".bin"))
