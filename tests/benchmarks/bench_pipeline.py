"""Measure what a step of a pipeline costs beside its script, when it runs and when an earlier result stands for it.

    python -m tests.benchmarks.bench_pipeline [COUNT]

COUNT (default: 20) steps one after the other, each of which reads what the one before it has written: as bare processes
without mlrun, as a pipeline, and as the same pipeline again. A step's cost is the difference of the times from first
start to last end, divided by COUNT.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, environment_for, print_machine

SCRIPT = "import sys\nopen(sys.argv[1], 'w').write('x')\n"


def main(count: int) -> None:
    """Measure and print the table."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "folder"
        folder.mkdir()
        (folder / "step.py").write_text(SCRIPT, encoding="utf-8")
        (folder / "p.yml").write_text(json.dumps({"pipeline": {"name": "p", "steps": _build_steps(count)}}), "utf-8")
        environment = environment_for(Path(top) / "home")
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        subprocess.run([MLRUN, "folder", "attach", "-e", "bench"], cwd=folder, env=environment, check=True, stdout=-3)
        bare = _run_bare(folder, environment, count)
        first, again = (_run_pipeline(folder, environment) for _ in range(2))
    print("| what | measured |\n|---|---|")
    print(f"| {count} bare scripts | {bare:.1f} s |")
    print(f"| a pipeline of {count} steps | {first:.1f} s |")
    print(f"| a step of it, beside its script | {(first - bare) / count * 1000:.0f} ms |")
    print(f"| a step that an earlier result stands for | {again / count * 1000:.0f} ms |")


def _build_steps(count: int) -> dict[str, object]:
    return {
        f"step{number}": {
            "type": "PythonScriptStep",
            "name": f"step{number}",
            "script_name": "step.py",
            "arguments": ["output:out", *(["input:before"] if number else [])],
            "inputs": {"before": {"source": f"out{number - 1}"}} if number else {},
            "outputs": {"out": {"destination": f"out{number}"}},
        }
        for number in range(count)
    }


def _run_bare(folder: Path, environment: dict[str, str], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        subprocess.run([sys.executable, "step.py", "out"], cwd=folder, env=environment, check=True)
    return time.perf_counter() - began


def _run_pipeline(folder: Path, environment: dict[str, str]) -> float:
    command = [MLRUN, "run", "submit-pipeline", "-y", "p.yml", "--stream"]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    record = json.loads(done.stdout)
    first, last = (
        datetime.fromisoformat(record[name].replace("Z", "+00:00")) for name in ("start_time_utc", "end_time_utc")
    )
    return (last - first).total_seconds()


if __name__ == "__main__":
    main(*parse_numbers(__doc__, count=20))
