"""Submit many runs to a Slurm cluster on this machine at once, and measure what they cost until all have ended.

    python -m tests.benchmarks.bench_slurm [RUNS]

A driver submits RUNS (default: 1000) one after another while two jobs hold the whole cluster. The collector is measured
while all of them wait; then the two jobs end, and the runs are executed, eight at a time on each of the two nodes.
Calls of Slurm's commands are counted by a program of the same name in front of each.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.processes import measure_cpu_seconds, measure_memory
from tests.benchmarks.timing import print_machine
from tests.engines.slurm import CPUS, NODES, Slurm, why_not
from tests.running import Mlrun, until

WAITING_SECONDS = 60
PATIENCE_SECONDS = 3600
COMMANDS = ("sbatch", "squeue", "scontrol", "sacct", "scancel", "sinfo")
SCRIPT = """
import sys
from azureml.core import Run
Run.get_context().log("number", int(sys.argv[1]))
print("run", sys.argv[1])
"""
DRIVER = """
import sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
experiment = Experiment(Workspace.from_config(), "exp")
for number in range(int(sys.argv[1])):
    script = ScriptRunConfig(".", "train.py", [str(number)], compute_target="slurm")
    experiment.submit(script)
"""
SHIM = """#!/bin/sh
echo "$(date +%s.%N) {name}" >> '{calls}'
exec {program} "$@"
"""


def main(count: int) -> None:
    """Submit the runs, wait for them, and print the figures."""
    reason = why_not()
    if reason is not None:
        sys.exit(reason)
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        (Path(top) / "slurm").mkdir()
        slurm = Slurm(Path(top) / "slurm")
        try:
            mlrun = Mlrun(Path(top))
            try:
                _measure(slurm, mlrun, Path(top), count)
            finally:
                mlrun.close()
        finally:
            slurm.close()


def _measure(slurm: Slurm, mlrun: Mlrun, top: Path, count: int) -> None:
    mlrun.environment.update(slurm.environment)
    mlrun.environment.pop("PYTHONDONTWRITEBYTECODE", None)
    calls = _write_shims(mlrun, top)
    attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(top / "shared"))
    mlrun(*attach, "--cpus-per-task", "1")
    calls.write_text("", encoding="ascii")
    mlrun.script(SCRIPT)
    mlrun.script(DRIVER, "driver.py")
    holding = [slurm.submit("sleep 36000", f"--nodelist={node}", f"--cpus-per-task={CPUS}") for node in NODES]
    for job_id in holding:
        slurm.wait_for_state(job_id, "RUNNING")
    print("| what | measured |\n|---|---|")

    began = time.perf_counter()
    done = mlrun.run(sys.executable, "driver.py", str(count), timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    took = time.perf_counter() - began
    print(f"| {count} submissions by one driver | {took:.1f} s, {took / count * 1000:.0f} ms each |", flush=True)

    time.sleep(15)  # the collector learns of the last of them
    (collector,) = _list_collectors(mlrun)
    before, since = measure_cpu_seconds(collector), time.time()
    time.sleep(WAITING_SECONDS)
    used = measure_cpu_seconds(collector) - before
    asked = len(_read_calls(calls, "squeue", since))
    print(f"| CPU of the collector while they wait | {used / WAITING_SECONDS:.2%} of a core |")
    print(f"| squeue in {WAITING_SECONDS} s of waiting | {asked} |")
    print(f"| memory of the collector (PSS) | {measure_memory(collector).proportional:.0f} MB |", flush=True)

    before = measure_cpu_seconds(collector)
    for job_id in holding:
        slurm("scancel", job_id)
    began, most_files = time.perf_counter(), 0
    while _count_live(mlrun):
        assert time.perf_counter() < began + PATIENCE_SECONDS, _count_statuses(mlrun)
        if Path(f"/proc/{collector}").exists():
            most_files = max(most_files, len(os.listdir(f"/proc/{collector}/fd")))
            used, memory = measure_cpu_seconds(collector), measure_memory(collector).proportional
        time.sleep(1)
    took = time.perf_counter() - began
    print(f"| from the first start to the last end | {took:.1f} s, {count / took:.1f} runs a second |")
    print(f"| CPU of the collector in that time | {used - before:.1f} s |")
    print(f"| its files and memory (PSS) at most, near the end | {most_files}, {memory:.0f} MB |")
    until(lambda: not _list_collectors(mlrun))
    _report(mlrun, calls, top)


def _report(mlrun: Mlrun, calls: Path, top: Path) -> None:
    print(f"| statuses | {_count_statuses(mlrun)} |")
    counts = "count(*), count(DISTINCT run_key), count(DISTINCT number)"
    sql = f"SELECT {counts} FROM metric_values JOIN metrics USING (metric_key)"
    print(f"| values; of different runs; different ones | {'; '.join(map(str, mlrun.stored(sql)[0]))} |")
    times = _read_calls(calls, "squeue")
    gaps = [later - earlier for earlier, later in pairwise(times)]
    print(f"| squeue; shortest time between two | {len(times)}; {min(gaps):.2f} s |")
    names = Counter(line.split()[1] for line in calls.read_text(encoding="ascii").splitlines())
    print(f"| all calls of Slurm's commands | {dict(names)} |")
    print(f"| left in started/ | {len(list((top / 'shared' / 'started').iterdir()))} |")


def _write_shims(mlrun: Mlrun, top: Path) -> Path:
    """Put programs in front of Slurm's that note each call, and return the file with the calls."""
    folder, calls = top / "shims", top / "calls"
    folder.mkdir()
    calls.touch()
    for name in COMMANDS:
        path = folder / name
        path.write_text(SHIM.format(name=name, calls=calls, program=shutil.which(name)), encoding="utf-8")
        path.chmod(0o755)
    mlrun.environment["PATH"] = f"{folder}:{Path(sys.executable).parent}:{mlrun.environment['PATH']}"
    return calls


def _read_calls(calls: Path, name: str, since: float = 0.0) -> list[float]:
    """Return the times at which a command was called."""
    lines = (line.split() for line in calls.read_text(encoding="ascii").splitlines())
    return [float(at) for at, called in lines if called == name and float(at) >= since]


def _list_collectors(mlrun: Mlrun) -> list[int]:
    return [pid for pid in mlrun.programs("__main__.py") if b"/collector/" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _count_live(mlrun: Mlrun) -> int:
    return int(mlrun.stored("SELECT count(*) FROM runs WHERE ended_at IS NULL")[0][0])


def _count_statuses(mlrun: Mlrun) -> str:
    rows = mlrun.stored("SELECT status, count(*) FROM runs GROUP BY status")
    return ", ".join(f"{number} {status}" for status, number in rows)


if __name__ == "__main__":
    main(*parse_numbers(__doc__, runs=1000))
