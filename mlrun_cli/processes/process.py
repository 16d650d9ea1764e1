"""Processes of this machine: identify, find and stop them, by what Linux tells in /proc."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mlrun_cli.processes.proc_file import read_proc

RUN_ID_VARIABLE = "MLRUN_RUN_ID"
SUPERVISOR_VARIABLE = "MLRUN_SUPERVISOR_OF"
_SUPERVISOR_PROGRAM = b"mlrun_cli/supervisor/__main__.py"
FAMILY_VARIABLE = "MLRUN_FAMILY"
"""What a driver and the processes that it starts have in common."""


class ProcessId(NamedTuple):
    """A pid means something only together with the moment its process started, in ticks since boot."""

    pid: int
    start_ticks: int


class _Stat(NamedTuple):
    parent: int
    start_ticks: int
    is_zombie: bool


def identify(pid: int) -> ProcessId | None:
    """The process of this pid at this moment; None when there is none."""
    stat = _stat(pid)
    return None if stat is None else ProcessId(pid, stat.start_ticks)


def descendants(ancestor: int) -> list[ProcessId]:
    """All live processes below one, except supervisors and what is below them, which are runs of their own."""
    children: dict[int, list[ProcessId]] = {}
    for pid in _pids():
        stat = _stat(pid)
        if stat is not None and not stat.is_zombie:
            children.setdefault(stat.parent, []).append(ProcessId(pid, stat.start_ticks))
    found: list[ProcessId] = []
    waiting = list(children.get(ancestor, ()))
    while waiting:
        process = waiting.pop()
        if SUPERVISOR_VARIABLE not in _variables(process.pid):
            found.append(process)
            waiting.extend(children.get(process.pid, ()))
    return found


def of_run(processes: list[ProcessId], run_id: str) -> list[ProcessId]:
    """Those that were not started for another run."""
    return [process for process in processes if _variables(process.pid).get(RUN_ID_VARIABLE, run_id) == run_id]


def started_for(run_id: str) -> list[ProcessId]:
    """All live processes of this machine that have the run's id in their environment."""
    found = []
    for pid in _pids():
        if _variables(pid).get(RUN_ID_VARIABLE) == run_id:
            process = identify(pid)
            if process is not None and pid != os.getpid():
                found.append(process)
    return found


def supervisors_of(run_id: str) -> list[ProcessId]:
    """The processes that own a run or recover it, by their command lines: a fork server's have no variables."""
    found = []
    for pid in _pids():
        words = read_proc(f"/proc/{pid}/cmdline").split(b"\0")[:-1]
        is_ours = any(word.endswith(_SUPERVISOR_PROGRAM) for word in words)
        if is_ours and words[-1] == run_id.encode() and (process := identify(pid)) is not None:
            found.append(process)
    return found


def belonging_to(run_id: str) -> Callable[[], list[ProcessId]]:
    """What finds those started for a run and, as long as it lives, all that is below them now.

    That may have none of their variables, and is nobody's once they have ended.
    """
    below = [process for started in started_for(run_id) for process in of_run(descendants(started.pid), run_id)]
    return lambda: list(dict.fromkeys([*started_for(run_id), *filter(_is_running, below)]))


def _is_running(process: ProcessId) -> bool:
    stat = _stat(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and not stat.is_zombie


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Send a signal to this very process; False when it has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if identify(process.pid) != process:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _pids() -> Iterator[int]:
    """All processes; none where there is no /proc, as on macOS."""
    names = os.listdir("/proc") if sys.platform == "linux" else ()
    return (int(name) for name in names if name.isdigit())


def _stat(pid: int) -> _Stat | None:
    data = read_proc(f"/proc/{pid}/stat")
    if not data:
        return None
    # The name of the program stands in parentheses and may hold anything, spaces and parentheses too.
    fields = data[data.rfind(b")") + 2 :].split()
    return _Stat(parent=int(fields[1]), start_ticks=int(fields[19]), is_zombie=fields[0] in {b"Z", b"X"})


def _variables(pid: int) -> dict[str, str]:
    """The two variables that say whose a process is, as far as its environment may be read."""
    found: dict[str, str] = {}
    for item in read_proc(f"/proc/{pid}/environ").split(b"\0"):
        name, _, value = item.partition(b"=")
        if name in {RUN_ID_VARIABLE.encode(), SUPERVISOR_VARIABLE.encode()}:
            found[name.decode()] = value.decode("utf-8", "surrogateescape")
    return found
