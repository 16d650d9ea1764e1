"""Count the `run.log` calls per second that are accepted and stored, from one script and from eight processes.

python -m tests.benchmarks.bench_logging [VALUES]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, environment_for, print_machine

SCRIPT = """
import multiprocessing, sys, time
from azureml.core import Run

def log_all(values, ends):
    run = Run.get_context()
    for number in range(values):
        run.log("loss", 0.001 * number)
    taken = time.time()
    run.flush()
    ends.put((taken, time.time()))

if __name__ == "__main__":
    processes, values = int(sys.argv[1]), int(sys.argv[2])
    ends = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=log_all, args=(values, ends)) for _ in range(processes)]
    started = time.time()
    for worker in workers:
        worker.start()
    taken, stored = zip(*(ends.get() for _ in workers))
    count = processes * values
    print(f"taken {count / (max(taken) - started):.0f} stored {count / (max(stored) - started):.0f}")
"""


def main(values: int) -> None:
    """Measure and print the table."""
    print_machine()
    print("| processes | values each | taken a second | in the store, a second |\n|---|---|---|---|")
    for processes in (1, 8):
        with tempfile.TemporaryDirectory() as top:
            folder = Path(top) / "folder"
            folder.mkdir()
            (folder / "log.py").write_text(SCRIPT, encoding="utf-8")
            environment = environment_for(Path(top) / "home")
            environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
            _mlrun(folder, environment, "folder", "attach")
            each = values if processes == 1 else values // 2
            said = _mlrun(folder, environment, "run", "submit-script", "log.py", str(processes), str(each))
            match = re.search(r"taken (\d+) stored (\d+)", said)
            assert match is not None, said
            print(f"| {processes} | {each:,} | {int(match[1]):,} | {int(match[2]):,} |", flush=True)


def _mlrun(folder: Path, environment: dict[str, str], *words: str) -> str:
    done = subprocess.run([MLRUN, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


if __name__ == "__main__":
    main(*parse_numbers(__doc__, values=200_000))
