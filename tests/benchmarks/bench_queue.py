"""Let many runs wait for a target of four nodes, and look at how they were started.

    python -m tests.benchmarks.bench_queue [RUNS]

RUNS (default: 1000) are submitted while the first four hold their places until all are there.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.benchmarks.timing import MLRUN, environment_for, print_machine

NODES = 4
SCRIPT = "import os, time\nwhile not os.path.exists(os.environ['GO']):\n    time.sleep(0.05)\n"
TARGET = f"""
from azureml.core import Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
configuration = AmlCompute.provisioning_configuration(vm_size="any", max_nodes={NODES})
ComputeTarget.create(Workspace.from_config(), "cpu-cluster", configuration)
"""


def main(count: int) -> None:
    """Submit, wait, and print what is stored about the starts."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        folder, home = Path(top) / "folder", Path(top) / "home"
        folder.mkdir()
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        environment = {**environment_for(home), "GO": str(Path(top) / "go")}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        _call(folder, environment, MLRUN, "folder", "attach", "-e", "exp")
        _call(folder, environment, sys.executable, "-c", TARGET)
        submit = (MLRUN, "run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: _call(folder, environment, *submit), range(count)))
        (dispatcher,) = _dispatchers(home)
        before = _cpu_seconds(dispatcher)
        time.sleep(10)
        waiting = _cpu_seconds(dispatcher) - before
        Path(environment["GO"]).touch()
        database = next(home.glob("workspaces/*/*/*/workspace.db"))
        started = time.perf_counter()
        while _stored(database, "SELECT count(*) FROM runs WHERE status <> 'Completed'")[0][0]:
            time.sleep(0.5)
        took = time.perf_counter() - started
        _report(database, count, took, waiting)


def _report(database: Path, count: int, took: float, waiting: float) -> None:
    rows = _stored(database, "SELECT run_number, started_at, ended_at FROM runs ORDER BY started_at")
    ends = sorted(ended for _, _, ended in rows)
    gaps = [(start - ends[place]) / 1000 for place, (_, start, _) in enumerate(rows[NODES:])]
    displaced = sum(abs(number - place) >= NODES for place, (number, _, _) in enumerate(rows, 1))
    print("| what | measured |\n|---|---|")
    print(f"| {count} runs on {NODES} nodes, from the first end to the last | {took:.1f} s |")
    print(
        f"| from an end to the next start, median and longest | {statistics.median(gaps):.0f} ms, {max(gaps):.0f} ms |"
    )
    print(f"| runs that started more than {NODES - 1} places from their own | {displaced} |")
    print(f"| runs and run numbers | {len(rows)}, {len({number for number, _, _ in rows})} |")
    print(f"| CPU of the dispatcher in 10 s of waiting | {waiting * 1000:.0f} ms |")


def _call(folder: Path, environment: dict[str, str], *words: str) -> None:
    subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)


def _stored(database: Path, sql: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def _dispatchers(home: Path) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"dispatch.py") for word in words) and any(
            word.startswith(str(home).encode()) for word in words
        ):
            found.append(int(name))
    return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
