"""Runs in the queue of a target, and what has become of them."""

from __future__ import annotations

from pathlib import Path

from tests.running import Mlrun

# Runs until its file is there, and writes down when it starts.
WORK = """
    import os, sys, time
    with open(os.environ["ORDER"], "a") as order:
        order.write(f"{os.environ['MLRUN_RUN_NUMBER']}\\n")
    while not os.path.exists(f"{os.environ['ORDER']}.go"):
        time.sleep(0.01)
"""


def make_target(mlrun: Mlrun, name: str, most: int) -> None:
    """Make a target with so many nodes."""
    mlrun("computetarget", "create", "amlcompute", "-n", name, "--max-nodes", str(most))


def submit(mlrun: Mlrun, *words: str) -> str:
    return mlrun.submit("--ct", "cpu-cluster", *(words or ("train.py",)))


def dispatchers(mlrun: Mlrun) -> list[int]:
    """The pids of the dispatchers of this home."""
    return mlrun.programs("dispatcher.py")


def fork_servers(mlrun: Mlrun) -> list[int]:
    """The pids of what the dispatchers of this home fork supervisors from."""
    return mlrun.programs("fork_server.py")


def started(order: Path) -> list[int]:
    return [int(line) for line in order.read_text().split()]


def go(order: Path) -> None:
    order.with_name("order.go").touch()


def ended(mlrun: Mlrun, run_ids: list[str]) -> list[str]:
    """Wait for their end; how each ended."""
    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)), check=False)
    return [mlrun.stored_status(run_id) for run_id in run_ids]
