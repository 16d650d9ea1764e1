"""Measure what a sweep costs beside its script, and how fast values are sampled.

    python -m tests.benchmarks.bench_sweep_runs [COUNT]

COUNT (default: 100) runs of a script that logs one value, four at a time: as bare processes without mlrun, and as a
sweep. A run's cost is the difference of the times from first start to last end, divided by COUNT.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.expressions import build_expression
from mlrun_cli.sweeps.sampling import SamplingMethod, build_sampling
from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, environment_for, print_machine

AT_ONCE = 4
SAMPLES = 20_000
SCRIPT = "from azureml.core import Run\nRun.get_context().log('acc', 1.0)\n"


def main(count: int) -> None:
    """Measure and print the tables."""
    print_machine()
    print("| what | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "folder"
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        environment = environment_for(Path(top) / "home")
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        subprocess.run([MLRUN, "folder", "attach", "-e", "bench"], cwd=folder, env=environment, check=True, stdout=-3)
        bare = _run_bare(folder, environment, count)
        record = _run_sweep(folder, environment, count)
        took = _seconds_between(record["start_time_utc"], record["end_time_utc"])
        assert record["status"] == "Completed", record
    print(f"| {count} bare scripts, {AT_ONCE} at a time | {bare:.1f} s |")
    print(f"| a sweep of {count} | {took:.1f} s |")
    print(f"| a run of it, beside its script | {(took - bare) / count * 1000:.0f} ms |")
    for method in (SamplingMethod.RANDOM, SamplingMethod.GRID):
        print(f"| samples of {method.value.lower()} sampling | {_measure_samples(method):.0f} a second |")


def _run_bare(folder: Path, environment: dict[str, str], count: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        command = [sys.executable, "train.py"]
        list(
            pool.map(
                lambda _: subprocess.run(command, cwd=folder, env=environment, check=True, stdout=-3), range(count)
            )
        )
    return time.perf_counter() - began


def _run_sweep(folder: Path, environment: dict[str, str], count: int) -> dict[str, Any]:
    words = ["--random", "lr=uniform(0,1)", "--max", str(count), "--concurrent", str(AT_ONCE), "--maximize", "acc"]
    command = [MLRUN, "run", "sweep", *words, "train.py"]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def _seconds_between(start: str, end: str) -> float:
    first, last = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (start, end))
    return (last - first).total_seconds()


def _measure_samples(method: SamplingMethod) -> float:
    values = [build_expression("choice", list(range(100))) for _ in range(3)]
    space = {f"p{number}": expression for number, expression in enumerate(values)}
    if method is SamplingMethod.RANDOM:
        space["p3"] = build_expression("loguniform", [0.0, 1.0])
    sampler = build_sampling(method, space, 1).create_sampler(Goal.MAXIMIZE)
    began = time.perf_counter()
    for number in range(SAMPLES):
        sampler.sample(number)
    return SAMPLES / (time.perf_counter() - began)


if __name__ == "__main__":
    main(*parse_numbers(__doc__, count=100))
