"""Time a submission of an empty script, and submit a thousand, 32 at a time.

python -m tests.benchmarks.bench_submit [COUNT]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, Timed, environment_for, print_machine, print_row, timed

AT_ONCE = 32


def main(count: int) -> None:
    """Measure and print the tables."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        folder, home = Path(top) / "folder", Path(top) / "home"
        folder.mkdir()
        environment = environment_for(home)
        (folder / "empty.py").touch()
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        timed([MLRUN, "folder", "attach", "-e", "bench"], folder=folder, environment=environment, runs=1)
        _single(folder, environment)
        _many(folder, environment, count)


def _single(folder: Path, environment: dict[str, str]) -> None:
    print("| command | median | over `python -c pass` | ratio |\n|---|---|---|---|")
    submit = [MLRUN, "run", "submit-script"]
    bare = timed([sys.executable, "empty.py"], folder=folder, environment=environment)
    streaming = timed([*submit, "empty.py"], folder=folder, environment=environment)
    print_row("the bare script", bare)
    print_row("`submit-script`, streaming", streaming)
    print_row("`submit-script --async`", _paced(folder, environment))
    print(f"\nstreaming over the bare script: +{streaming.command - bare.command:.0f} ms\n")


def _paced(folder: Path, environment: dict[str, str]) -> Timed:
    """Time a submission until the command returns, each after the previous run has ended."""
    command = [MLRUN, "run", "submit-script", "--async", "empty.py"]
    results = []
    for _ in range(11):
        results.append(timed(command, folder=folder, environment=environment, runs=1))
        time.sleep(0.5)
    return sorted(results, key=lambda result: result.over)[len(results) // 2]


def _many(folder: Path, environment: dict[str, str], count: int) -> None:
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(
                lambda _: _run(folder, environment, "submit-script", "-e", "many", "--async", "empty.py"), range(count)
            )
        )
    submitted = time.perf_counter() - started
    ids = {json.loads(answer)["run_id"] for answer in answers}
    while (
        _run(folder, environment, "list", "-e", "many", "--status", "NotStarted,Preparing,Starting,Running,Finalizing")
        != "[]\n"
    ):
        time.sleep(0.2)
    ended = time.perf_counter() - started
    runs = json.loads(_run(folder, environment, "list", "-e", "many", "--last", str(10 * count)))
    completed = sum(run["status"] == "Completed" for run in runs)
    numbers = {run["run_number"] for run in runs}
    known = len(ids & {run["run_id"] for run in runs})
    print(f"{count} `submit-script --async`, {AT_ONCE} at a time:")
    print(f"{submitted:.0f} s until all were submitted, {ended:.0f} s until all had ended")
    print(f"{completed} Completed, {known} ids of {count}, {len(numbers)} run numbers")


def _run(folder: Path, environment: dict[str, str], *words: str) -> str:
    return subprocess.run(
        [MLRUN, "run", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    main(*parse_numbers(__doc__, count=1000))
