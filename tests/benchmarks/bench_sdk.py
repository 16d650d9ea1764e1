"""Time the calls of `azureml.core` outside of a run, in workspaces of several sizes.

    python -m tests.benchmarks.bench_sdk [RUNS [GIGABYTES]]

RUNS (default: 1000000) is the size of the workspace, GIGABYTES (default: 1) that of the file that is uploaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.seed import EXPERIMENT, seed
from tests.benchmarks.timing import MLRUN, environment_for, print_machine, print_row, timed

_IMPORTS = (
    "import azureml.core",
    "from azureml.core import Run",
    "from azureml.core import Experiment, Run, Workspace",
)
_BEGINNING = """
import resource, statistics, sys, time
from azureml.core import Experiment, Workspace
experiment = Experiment(Workspace.from_config(), sys.argv[1])

def timed(name, call, times=1):
    spans = []
    for _ in range(times):
        started = time.perf_counter()
        result = call()
        spans.append((time.perf_counter() - started) * 1000)
    print(f"| {name} | {statistics.median(spans):,.1f} ms |", flush=True)
    return result
"""
_CALLS = """
import itertools
def interactive():
    run = experiment.start_logging()
    run.log("loss", 0.5)
    run.complete()
timed("the first `start_logging()`, `log`, `complete()` of a process", interactive)
timed("each later one", interactive, 51)
timed("`next(get_runs())`: the first of a page", lambda: next(experiment.get_runs()), 11)
timed("the first 10 of `get_runs()`", lambda: list(itertools.islice(experiment.get_runs(), 10)), 11)
timed("the first 10 with a tag", lambda: list(itertools.islice(experiment.get_runs(tags={"model": "m7"}), 10)), 11)
timed("the first 10 with a rare tag",
      lambda: list(itertools.islice(experiment.get_runs(tags={"quality": "fantastic run"}), 10)), 11)
timed("1,000 of `get_runs()`", lambda: list(itertools.islice(experiment.get_runs(), 1000)))
run = experiment.start_logging()
timed("`create_children(count=10000)`", lambda: run.create_children(count=10_000))
started = time.perf_counter()
for number in range(1_000_000):
    run.log("loss", 0.001 * number)
print(f"| `log`, 1,000,000 times | {1_000_000 / (time.perf_counter() - started):,.0f} a second |", flush=True)
timed("`flush()` after them", run.flush)
values = timed("`get_metrics()` of these 1,000,000 values", run.get_metrics)
assert len(values["loss"]) == 1_000_000
run.complete()
"""
_UPLOAD = """
run = experiment.start_logging()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
timed(f"`upload_file` of {sys.argv[3]} GB", lambda: run.upload_file("outputs/large", sys.argv[2]))
print(f"| memory that it took | {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:,.1f} MB |")
"""


def main(size: int, gigabytes: int) -> None:
    """Seed a workspace and print the tables."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        home, folder = Path(top) / "home", Path(top) / "folder"
        folder.mkdir()
        environment = environment_for(home)
        print("| import | median | over `python -c pass` | ratio |\n|---|---|---|---|")
        for line in _IMPORTS:
            print_row(f"`{line}`", timed([sys.executable, "-c", line], folder=folder, environment=environment))
        seed(home, size)
        subprocess.run([MLRUN, "folder", "attach", "-e", EXPERIMENT], cwd=folder, env=environment, check=True)
        print(f"\n| call, {size:,} runs in the workspace | median |\n|---|---|", flush=True)
        _drive(_BEGINNING + _CALLS, folder, environment, EXPERIMENT)
        large = Path(top) / "large"
        with large.open("wb") as file:
            for _ in range(gigabytes * 16):
                file.write(os.urandom(1 << 26))
        _drive(_BEGINNING + _UPLOAD, folder, environment, "uploads", str(large), str(gigabytes))


def _drive(code: str, folder: Path, environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-c", code, *words], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main(*parse_numbers(__doc__, runs=1_000_000, gigabytes=1))
