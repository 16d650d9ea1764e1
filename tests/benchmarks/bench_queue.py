"""Let many runs wait for a target of four nodes, and measure how they were started.

    python -m tests.benchmarks.bench_queue [RUNS]

RUNS (default: 1000) are submitted while the first four hold their places until all are there. A gap reaches from the
recorded end of a script to the recorded start of the next one, when that run becomes Running. The scripts do nothing:
four end and four start at the same time again and again, and on fewer cores than that they wait for each other too.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.processes import measure_cpu_seconds, measure_memory
from tests.benchmarks.timing import MLRUN, environment_for, print_machine
from tests.running import find_processes, words_of

NODES = 4
WAITING_SECONDS = 10
SCRIPT = """
import os, time
with open(os.environ["STARTS"], "a") as starts:
    starts.write(os.environ["MLRUN_RUN_ID"] + "\\n")
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.05)
"""
TARGET = f"""
from azureml.core import Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
configuration = AmlCompute.provisioning_configuration(vm_size="any", max_nodes={NODES})
ComputeTarget.create(Workspace.from_config(), "cpu-cluster", configuration)
"""


def main(count: int) -> None:
    """Submit the runs, wait for them, and print the stored times of their starts."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        folder, home, starts = Path(top) / "folder", Path(top) / "home", Path(top) / "starts"
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        environment = {**environment_for(home), "GO": str(Path(top) / "go"), "STARTS": str(starts)}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        _call(folder, environment, MLRUN, "folder", "attach", "-e", "exp")
        _call(folder, environment, sys.executable, "-c", TARGET)
        submit = (MLRUN, "run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: _call(folder, environment, *submit), range(count)))
        owner_pids = _minders(home)
        before = sum(map(measure_cpu_seconds, owner_pids))
        time.sleep(WAITING_SECONDS)
        waiting = sum(map(measure_cpu_seconds, owner_pids)) - before
        memory = sum(measure_memory(pid).proportional for pid in owner_pids)
        Path(environment["GO"]).touch()
        database = next(home.glob("workspaces/*/*/*/workspace.db"))
        began = time.perf_counter()
        while _stored(database, "SELECT count(*) FROM runs WHERE ended_at IS NULL")[0][0]:
            time.sleep(0.5)
        took = time.perf_counter() - began
        _report(database, starts.read_text(encoding="utf-8").split())
        print(f"| {count} runs on {NODES} nodes, from the first end to the last | {took:.1f} s |")
        print(f"| CPU of what minds the queue, in {WAITING_SECONDS} s of waiting | {waiting * 1000:.0f} ms |")
        print(f"| memory of what minds the queue (PSS) | {memory:.1f} MB |")


def _report(database: Path, starts: list[str]) -> None:
    rows = _stored(database, "SELECT run_number, started_at, ended_at FROM runs ORDER BY started_at")
    completed = _stored(database, "SELECT count(*) FROM runs WHERE status = 'Completed'")[0][0]
    ends = sorted(ended for _, _, ended in rows)
    gaps = [(start - ends[place]) / 1000 for place, (_, start, _) in enumerate(rows[NODES:])]
    displaced = sum(abs(number - place) >= NODES for place, (number, _, _) in enumerate(rows, 1))
    print("| what | measured |\n|---|---|")
    print(f"| runs Completed; scripts started; of different runs | {completed}; {len(starts)}; {len(set(starts))} |")
    print(f"| runs that started more than {NODES - 1} places from their own | {displaced} |")
    p95 = statistics.quantiles(gaps, n=20)[-1]
    figures = f"{statistics.median(gaps):.0f} ms, {p95:.0f} ms, {max(gaps):.0f} ms"
    print(f"| from an end to the next start: median, 95th percentile, longest | {figures} |")


def _call(folder: Path, environment: dict[str, str], *words: str) -> None:
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)


def _stored(database: Path, sql: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def _minders(home: Path) -> list[int]:
    """Return the pids of the dispatcher and its fork server."""
    mine = find_processes("MLRUN_HOME", str(home))
    names = {"dispatcher.py", "fork_server.py"}
    return [pid for pid in mine if any(Path(word).name in names for word in words_of(pid))]


if __name__ == "__main__":
    main(*parse_numbers(__doc__, runs=1000))
