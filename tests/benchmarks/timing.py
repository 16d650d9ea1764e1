"""Timing of processes in turn with `python -c pass`, so that slow moments of the machine affect both."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MLRUN = str(Path(sys.executable).with_name("mlrun"))
PASS = (sys.executable, "-c", "pass")


@dataclass(frozen=True)
class Timed:
    """Median times in milliseconds of a command, and of `python -c pass` between its runs."""

    command: float
    nothing: float

    @property
    def over(self) -> float:
        """The time of the command beyond that of an interpreter that does nothing."""
        return self.command - self.nothing

    @property
    def ratio(self) -> float:
        """The time of the command divided by that of an interpreter that does nothing."""
        return self.command / self.nothing


def timed(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], runs: int = 11) -> Timed:
    """Time a command and `python -c pass` in turn, without counting a first round."""
    return timed_by(lambda: _once(command, folder, environment), lambda: _once(PASS, folder, environment), runs=runs)


def timed_call(call: Callable[[], object], *, runs: int = 11) -> Timed:
    """Time a function and `python -c pass` in turn, without counting a first round."""
    return timed_by(lambda: _milliseconds(call), runs=runs)


def timed_by(measure: Callable[[], float], nothing: Callable[[], float] | None = None, *, runs: int = 11) -> Timed:
    """Time by two functions that return milliseconds, in turn, without counting a first round."""
    nothing = nothing or (lambda: _once(PASS, Path.cwd(), os.environ))
    pairs = [(measure(), nothing()) for _ in range(runs + 1)][1:]
    return Timed(*(statistics.median(column) for column in zip(*pairs, strict=True)))


def measure_cpu(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """Return the user and system time in milliseconds of a command, with that of the children it has waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _once(command, folder, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def _once(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    quiet = subprocess.DEVNULL
    words = list(command)
    return _milliseconds(
        lambda: subprocess.run(words, cwd=folder, env=environment, check=True, stdout=quiet, stderr=quiet)
    )


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def environment_for(home: Path) -> dict[str, str]:
    """Return the variables of a command whose runs are stored under `home`."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "MLRUN_HOME": str(home), "HOME": str(home)}


def print_machine() -> None:
    """Print a line about the machine on which the figures were measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}\n"
    )


def print_row(name: str, result: Timed) -> None:
    """Print a line of the table."""
    print(f"| {name} | {result.command:.0f} ms | {result.over:+.0f} ms | {result.ratio:.1f} |", flush=True)
