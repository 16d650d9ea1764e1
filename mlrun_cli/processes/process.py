"""Processes of this machine: identify, find and signal them with the help of /proc."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.proc_file import read_proc

RUN_ID_VARIABLE = "MLRUN_RUN_ID"
SUPERVISOR_VARIABLE = "MLRUN_SUPERVISOR_OF"
_SUPERVISOR_PROGRAM = b"mlrun_cli/supervisor/__main__.py"
_CONTROLLER_PROGRAM = b"mlrun_cli/controller/__main__.py"
ATTEMPT_VARIABLE = "MLRUN_ATTEMPT"
"""The number of the attempt in which the script of a run was started."""
FAMILY_VARIABLE = "MLRUN_FAMILY"
"""The variable that a driver and the processes that it starts have in common."""


class ProcessId(NamedTuple):
    """A pid with the start time of its process, in ticks since boot, because pids are reused."""

    pid: int
    start_ticks: int


class _Stat(NamedTuple):
    parent: int
    start_ticks: int
    is_zombie: bool


def identify_process(pid: int) -> ProcessId | None:
    """Return the pid and start time of the process that currently has this pid, or None if there is none."""
    stat = _read_stat(pid)
    return None if stat is None else ProcessId(pid, stat.start_ticks)


def build_children_lookup() -> Callable[[int], Sequence[int]]:
    """Return a function that returns the pids of a process's children.

    It asks the kernel where the kernel lists children, as most do; otherwise it looks at all processes, once.
    """
    if os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return _list_children
    children = {parent: [child.pid for child in below] for parent, below in _map_children().items()}
    return lambda pid: children.get(pid, ())


def is_supervisor(pid: int) -> bool:
    """Return whether this is the pid of a supervisor."""
    return SUPERVISOR_VARIABLE in _read_variables(pid)


def read_run_id(pid: int) -> str | None:
    """Return the id of the run in the environment of a process, or None if there is none."""
    return _read_variables(pid).get(RUN_ID_VARIABLE)


def list_descendants(ancestor_pid: int) -> list[ProcessId]:
    """Return the live descendants of a process, except for supervisors and their descendants, which are other runs."""
    children = _map_children()
    found: list[ProcessId] = []
    waiting = list(children.get(ancestor_pid, ()))
    while waiting:
        process = waiting.pop()
        if not is_supervisor(process.pid):
            found.append(process)
            waiting.extend(children.get(process.pid, ()))
    return found


def filter_by_run(processes: list[ProcessId], run_id: str) -> list[ProcessId]:
    """Return the processes that belong to this run or to no run."""
    return [process for process in processes if _read_variables(process.pid).get(RUN_ID_VARIABLE, run_id) == run_id]


def list_run_processes(run_id: str) -> list[ProcessId]:
    """Return all live processes on this machine with the run's id in their environment, except this process."""
    found = []
    for pid in _iterate_pids():
        if _read_variables(pid).get(RUN_ID_VARIABLE) == run_id:
            process = identify_process(pid)
            if process is not None and pid != os.getpid():
                found.append(process)
    return found


def list_supervisors(run_id: str, lock_stat: os.stat_result | None) -> list[ProcessId]:
    """Return the supervisors that own or recover a run, found by its open owner lock or else by their command lines.

    Args:
        run_id: the id of the run.
        lock_stat: the status of the lock's file; None if there is none any more, and command lines have to do, which
            may be cut off.
    """
    if lock_stat is None:
        return [
            process
            for process, words in _iterate_program_processes(_SUPERVISOR_PROGRAM)
            if words[-1] == run_id.encode()
        ]
    return [
        process
        for process, _ in _iterate_program_processes(_SUPERVISOR_PROGRAM)
        if _has_file_open(process.pid, lock_stat)
    ]


def list_controllers(workspace: Path, run_id: str) -> list[ProcessId]:
    """Return the processes that control a run of a workspace, according to their command lines."""
    folder = os.fsencode(workspace)
    last = run_id.encode()
    return [
        process
        for process, words in _iterate_program_processes(_CONTROLLER_PROGRAM)
        if folder in words and words[-1] == last
    ]


def _iterate_program_processes(program_name: bytes) -> Iterator[tuple[ProcessId, Sequence[bytes]]]:
    """Yield the processes that run a program of this package, each with its command line."""
    for pid in _iterate_pids():
        # That of a forked supervisor is filled up with zeros.
        words = read_proc(f"/proc/{pid}/cmdline").rstrip(b"\0").split(b"\0")
        if any(word.endswith(program_name) for word in words) and (process := identify_process(pid)) is not None:
            yield process, words


def _has_file_open(pid: int, file_stat: os.stat_result) -> bool:
    """Return whether a process of this user has a file open, identified by its stat result."""
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(folder):
            with suppress(OSError):  # it has been closed meanwhile
                if os.path.samestat(os.stat(f"{folder}/{name}"), file_stat):
                    return True
    return False


def track_run_processes(run_id: str) -> Callable[[], list[ProcessId]]:
    """Return a function that lists the live processes of a run and the current descendants of its processes.

    Descendants found by this call are tracked because their environment may lack the run's id, and they can no longer
    be found by their parents once these have ended.
    """
    below = [
        process
        for started in list_run_processes(run_id)
        for process in filter_by_run(list_descendants(started.pid), run_id)
    ]
    return lambda: list(dict.fromkeys([*list_run_processes(run_id), *filter(_is_running, below)]))


def _is_running(process: ProcessId) -> bool:
    stat = _read_stat(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and not stat.is_zombie


def send_signal(process: ProcessId, signal_number: signal.Signals) -> bool:
    """Send a signal to a process unless its pid has been reused; return whether it was sent."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if identify_process(process.pid) != process:
            return False
        signal.pidfd_send_signal(descriptor, signal_number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _list_children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(word) for thread in threads for word in read_proc(f"/proc/{pid}/task/{thread}/children").split()]


def _map_children() -> dict[int, list[ProcessId]]:
    """Return the live children of all processes, keyed by the pid of their parent."""
    children: dict[int, list[ProcessId]] = {}
    for pid in _iterate_pids():
        stat = _read_stat(pid)
        if stat is not None and not stat.is_zombie:
            children.setdefault(stat.parent, []).append(ProcessId(pid, stat.start_ticks))
    return children


def _iterate_pids() -> Iterator[int]:
    """Yield all pids, or none if there is no /proc, as on macOS."""
    names = os.listdir("/proc") if sys.platform == "linux" else ()
    return (int(name) for name in names if name.isdigit())


def _read_stat(pid: int) -> _Stat | None:
    data = read_proc(f"/proc/{pid}/stat")
    if not data:
        return None
    # The name of the program stands in parentheses and may hold anything, spaces and parentheses too.
    fields = data[data.rfind(b")") + 2 :].split()
    return _Stat(parent=int(fields[1]), start_ticks=int(fields[19]), is_zombie=fields[0] in {b"Z", b"X"})


def _read_variables(pid: int) -> dict[str, str]:
    """Return the environment variables of a process that identify its run and supervisor, if readable."""
    found: dict[str, str] = {}
    for item in read_proc(f"/proc/{pid}/environ").split(b"\0"):
        name, _, value = item.partition(b"=")
        if name in {RUN_ID_VARIABLE.encode(), SUPERVISOR_VARIABLE.encode()}:
            found[name.decode()] = value.decode("utf-8", "surrogateescape")
    return found
