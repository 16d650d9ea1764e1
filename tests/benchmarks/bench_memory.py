"""Measure the memory of the programs that own runs, queues and targets while their scripts sleep.

    python -m tests.benchmarks.bench_memory [ROUNDS]

Private memory is what a process has written. Pages of libraries are not in it: those of SQLite and Python's own, some
2.3 MB, are shared by all programs of mlrun on a machine, and are in the proportional memory of the only one that runs.
If there is Slurm on this machine, a cluster is started for the collector of a target and for a supervisor on a node.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.processes import Memory, measure_memory
from tests.benchmarks.timing import print_machine
from tests.engines.slurm import Slurm, why_not
from tests.running import Mlrun, find_processes, words_of

_SLEEP = "import time\ntime.sleep(600)\n"
_SETTLED_SECONDS = 2
_QUEUE, _CLUSTER = "queue", "slurm"


def main(rounds: int) -> None:
    """Measure in turn, and print the medians."""
    print_machine()
    figures: dict[str, list[Memory]] = defaultdict(list)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as top, ExitStack() as stack:
        mlrun = Mlrun(Path(top))
        stack.callback(mlrun.close)
        mlrun.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        mlrun.script(_SLEEP)
        mlrun("computetarget", "create", "amlcompute", "-n", _QUEUE, "--max-nodes", "1")
        measures = [_measure_python, _measure_supervisor, _measure_queue, _measure_sweep]
        if why_not() is None:
            (Path(top) / _CLUSTER).mkdir()
            slurm = Slurm(Path(top) / _CLUSTER)
            stack.callback(slurm.close)
            mlrun.environment.update(slurm.environment)
            mlrun("computetarget", "attach", "slurm", "-n", _CLUSTER, "--shared-folder", f"{top}/shared")
            measures.append(_measure_cluster)
        for _ in range(rounds):
            for measure in measures:
                for name, memory in measure(mlrun).items():
                    figures[name].append(memory)
    print("| program | private | with its share of what others have too |\n|---|---|---|")
    for name, measured in figures.items():
        private, proportional = map(statistics.median, zip(*measured, strict=True))
        print(f"| {name} | {private:.1f} MB | {proportional:.1f} MB |")


def _measure_python(_: Mlrun) -> dict[str, Memory]:
    with subprocess.Popen([sys.executable, "-c", _SLEEP]) as process:
        time.sleep(_SETTLED_SECONDS)
        memory = measure_memory(process.pid)
        process.kill()
    return {"an interpreter that sleeps": memory}


def _measure_supervisor(mlrun: Mlrun) -> dict[str, Memory]:
    with _running(mlrun, mlrun.submit()) as run_id:
        return {"a supervisor": measure_memory(mlrun.supervisor(run_id))}


def _measure_queue(mlrun: Mlrun) -> dict[str, Memory]:
    """Measure what starts the runs of a target while one of them waits, and the supervisor of the other."""
    first, second = (mlrun.submit("--ct", _QUEUE, "train.py") for _ in range(2))
    with _running(mlrun, first):
        measured = {
            "a dispatcher": measure_memory(_find_program(mlrun, "scheduler/dispatcher.py")),
            "its fork server": measure_memory(_find_program(mlrun, "scheduler/fork_server.py")),
            "a supervisor forked by that": measure_memory(mlrun.supervisor(first)),
        }
        mlrun("run", "cancel", "-r", second)
    return measured


def _measure_sweep(mlrun: Mlrun) -> dict[str, Memory]:
    words = ("--random", "lr=uniform(0,1)", "--max", "2", "--concurrent", "1", "--minimize", "loss", "train.py")
    run_id = mlrun.json("run", "sweep", "--async", *words)["run_id"]
    with _running(mlrun, run_id):
        return {"the controller of a sweep": measure_memory(_find_program(mlrun, "controller/__main__.py"))}


def _measure_cluster(mlrun: Mlrun) -> dict[str, Memory]:
    with _running(mlrun, mlrun.submit("--ct", _CLUSTER, "train.py")):
        return {
            "a collector": measure_memory(_find_program(mlrun, "collector/__main__.py")),
            "a supervisor on a node": measure_memory(_find_program(mlrun, "node/__main__.py")),
        }


@contextmanager
def _running(mlrun: Mlrun, run_id: str) -> Iterator[str]:
    """Wait until a run has been running for a while; cancel it and wait for its end after the block."""
    mlrun.wait_for_status(run_id, "Running")
    time.sleep(_SETTLED_SECONDS)
    yield run_id
    mlrun("run", "cancel", "-r", run_id, "--grace", "0")
    mlrun.wait(run_id)


def _find_program(mlrun: Mlrun, name: str) -> int:
    """Return the pid of the only process of this home that runs a program of the package."""
    (pid,) = [
        pid
        for pid in find_processes("MLRUN_HOME", str(mlrun.home))
        if any(word.endswith(name) for word in words_of(pid))
    ]
    return pid


if __name__ == "__main__":
    main(*parse_numbers(__doc__, rounds=5))
