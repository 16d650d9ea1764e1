"""Measure the time from a submit to the first line of the log, beside `sbatch` and `tail` of the same script by hand.

    python -m tests.benchmarks.bench_first_line [ROUNDS]

The cluster is a Slurm on this machine, the other machine a namespace with its own sshd; all take turns with the line
by hand, so that slow moments of the machine affect all. Between turns there is a pause: Slurm's scheduler lets a job
that comes just after the end of another wait for its next round, up to a second later.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import print_machine
from tests.engines.slurm import Slurm, why_not
from tests.engines.sshd import HOST_ALIAS, RemoteMachine, find_obstacle
from tests.running import Mlrun

_LINE = "the first line"
_PAUSE_SECONDS = 2.0
_SCRIPT = f"print({_LINE!r}, flush=True)\n"
_BY_HAND = """
touch log.$1
sbatch --quiet --output=log.$1 --wrap="exec '$2' train.py"
tail -f log.$1
"""


def main(rounds: int) -> None:
    """Measure in turn, and print the medians and the longest times."""
    reason = why_not() or find_obstacle()
    if reason is not None:
        sys.exit(reason)
    print_machine()
    with tempfile.TemporaryDirectory() as top, ExitStack() as stack:
        slurm, machine = Slurm(_make(top, "slurm")), RemoteMachine(_make(top, "ssh"))
        stack.callback(slurm.close)
        stack.callback(machine.close)
        mlrun = Mlrun(_make(top, "mlrun"))
        stack.callback(mlrun.close)
        machine.install_client(mlrun)
        mlrun.environment.update(slurm.environment)
        mlrun.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        mlrun.script(_SCRIPT)
        mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", f"{top}/shared")
        mlrun("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS, "--python", machine.python)
        _measure(mlrun, rounds)


def _measure(mlrun: Mlrun, rounds: int) -> None:
    ways: Mapping[str, Callable[[int], list[str]]] = {
        "sbatch and tail -f": lambda number: ["sh", "-c", _BY_HAND, "sh", str(number), sys.executable],
        **{f"submit-script --ct {name}": _build_submit(mlrun, name) for name in ("local", "slurm", "box")},
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, build in ways.items():
            time.sleep(_PAUSE_SECONDS)
            taken = _time_first_line(mlrun, build(number))
            if number:  # the first one copies mlrun-cli
                times[way].append(taken)
    print("| to the first line of the log | median | longest |\n|---|---|---|")
    for way, taken_by in times.items():
        print(f"| {way} | {statistics.median(taken_by):.2f} s | {max(taken_by):.2f} s |")


def _build_submit(mlrun: Mlrun, target: str) -> Callable[[int], list[str]]:
    return lambda _: [*mlrun.command, "run", "submit-script", "--ct", target, "train.py"]


def _time_first_line(mlrun: Mlrun, command: list[str]) -> float:
    """Return the seconds from the start of a command until it prints the line; it is ended then."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if _LINE in line:
                taken = time.perf_counter() - began
                subprocess.run(["kill", "-INT", f"-{process.pid}"], check=False)
                return taken
    raise AssertionError(seen)


def _make(top: str, name: str) -> Path:
    folder = Path(top) / name
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main(*parse_numbers(__doc__, rounds=10))
