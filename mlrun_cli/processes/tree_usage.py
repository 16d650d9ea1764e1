"""The resource usage of a tree of processes, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.proc_file import read_proc
from mlrun_cli.processes.process import build_children_lookup, is_supervisor, list_run_processes, read_run_id

_TICKS = os.sysconf("SC_CLK_TCK")


class TreeUsage(NamedTuple):
    """The resources used by the live processes of a tree.

    `cpu_seconds`, `read_bytes` and `written_bytes` include those of children that have been waited for.
    `memory_bytes` counts shared memory once; `largest_peak_bytes` is the largest peak of a single process.
    """

    process_count: int
    cpu_seconds: float
    memory_bytes: int
    largest_peak_bytes: int
    read_bytes: int
    written_bytes: int


def list_run_tree_pids(root_pids: Collection[int], run_id: str, *, is_contained: bool) -> Sequence[int]:
    """Return the pids of a run's processes below this process, without the processes of runs that the run submitted.

    Args:
        root_pids: the children of this process that belong to the run.
        run_id: the id of the run; children that were orphaned belong to it if their environment says so.
        is_contained: whether the run has a container, whose processes may descend from a daemon instead.
    """
    children_of = build_children_lookup()
    waiting = [pid for pid in children_of(os.getpid()) if pid in root_pids or _is_orphan_of(pid, run_id)]
    if is_contained:
        waiting += [process.pid for process in list_run_processes(run_id)]
    found: dict[int, None] = {}
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found[pid] = None
            waiting.extend(child for child in children_of(pid) if not is_supervisor(child))
    return list(found)


def measure_processes(pids: Iterable[int]) -> TreeUsage:
    """Measure the resource usage of processes, ignoring processes that have ended."""
    pids = list(pids)
    read_memory: Callable[[int], int] = _read_proportional_size if len(pids) > 1 else _read_resident_size
    return TreeUsage(
        process_count=len(pids),
        cpu_seconds=sum(map(_read_cpu_seconds, pids)),
        memory_bytes=sum(map(read_memory, pids)),
        largest_peak_bytes=max((_read_byte_count(f"/proc/{pid}/status", b"VmHWM:") for pid in pids), default=0),
        read_bytes=sum(_read_number(f"/proc/{pid}/io", b"read_bytes:") for pid in pids),
        written_bytes=sum(_read_number(f"/proc/{pid}/io", b"write_bytes:") for pid in pids),
    )


def _is_orphan_of(pid: int, run_id: str) -> bool:
    """Return whether a process that this one has adopted belongs to a run, according to its environment."""
    return read_run_id(pid) == run_id and not is_supervisor(pid)


def _read_cpu_seconds(pid: int) -> float:
    data = read_proc(f"/proc/{pid}/stat")
    fields = data[data.rfind(b")") + 2 :].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _read_resident_size(pid: int) -> int:
    return _read_byte_count(f"/proc/{pid}/status", b"VmRSS:")


def _read_proportional_size(pid: int) -> int:
    """Return a process's proportional share of memory or, if that cannot be read, its resident memory."""
    return _read_byte_count(f"/proc/{pid}/smaps_rollup", b"Pss:") or _read_resident_size(pid)


def _read_byte_count(path: str, field_name: bytes) -> int:
    """Return, in bytes, a field that a file under /proc gives in kilobytes."""
    return 1024 * _read_number(path, field_name)


def _read_number(path: str, field_name: bytes) -> int:
    """Return the value of a numeric field of a file in /proc, or 0 if the file has no such field."""
    for line in read_proc(path).splitlines():
        if line.startswith(field_name):
            return int(line.split()[1])
    return 0
