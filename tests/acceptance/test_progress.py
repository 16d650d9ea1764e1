"""What moves on a terminal while a command takes long; in a pipe nothing does."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun, until

FILES = 400
PATIENCE_SECONDS = 1.1


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


def test_a_long_copy_shows_how_much_has_been_copied(mlrun: Mlrun) -> None:
    many = mlrun.folder / "many"
    many.mkdir()
    for number in range(FILES):
        (many / f"{number}.bin").write_bytes(bytes(5000))
    models = mlrun.database.parent / "models"
    shown = ""
    while not shown:  # once more where all was copied before it was stopped
        shown = stopped_halfway(mlrun, many, models)
    assert "Copying: " in shown
    done = mlrun("model", "register", "-n", "model", "-p", "many")
    assert done.stderr == ""


def stopped_halfway(mlrun: Mlrun, many: Path, models: Path) -> str:
    """What a terminal has shown of a copy that was stopped between two files for a while; empty if it was too quick."""
    before = count(models)
    with Terminal(mlrun, [COMMAND, "model", "register", "-n", "model", "-p", many, "-o", "none"]) as terminal:
        until(lambda: count(models) > before)
        os.kill(terminal.process.pid, signal.SIGSTOP)
        is_halfway = count(models) - before < FILES - 1
        if is_halfway:
            time.sleep(PATIENCE_SECONDS)
        os.kill(terminal.process.pid, signal.SIGCONT)
        assert terminal.wait() == 0
        return terminal.output if is_halfway else ""


def count(models: Path) -> int:
    """Files that were copied; of those that are being renamed, none is missed twice."""
    return sum(1 for _folder, _folders, names in os.walk(models) for name in names if name.endswith(".bin"))
