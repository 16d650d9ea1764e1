"""The memory limit of this process's cgroup, and the number of processes killed by the kernel for lack of memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.proc_file import read_proc

_ROOT = "/sys/fs/cgroup"
_NO_LIMIT = 1 << 60


class _Files(NamedTuple):
    """The mount point of cgroups, and the names of the files with the count of killed processes and with the limit."""

    mount: str
    events: str
    limit: str


_VERSION_2 = _Files(_ROOT, "memory.events", "memory.max")
_VERSION_1 = _Files(f"{_ROOT}/memory", "memory.oom_control", "memory.limit_in_bytes")


def count_oom_kills() -> int:
    """Return the number of OOM kills in this process's cgroup, or on the whole machine if the former is unknown."""
    for files, folder in _iterate_cgroups():
        killed = _read_oom_kill_count(f"{folder}/{files.events}")
        if killed is not None:
            return killed
    return _read_oom_kill_count("/proc/vmstat") or 0


def read_memory_limit() -> int | None:
    """Return the lowest memory limit of this process's cgroup and its ancestors in bytes, or None if there is none."""
    found = []
    for files, own in _iterate_cgroups():
        folder = own
        while folder.startswith(files.mount):
            text = read_proc(f"{folder}/{files.limit}").strip()
            if text.isdigit() and int(text) < _NO_LIMIT:
                found.append(int(text))
            folder = os.path.dirname(folder)
    return min(found, default=None)


def _iterate_cgroups() -> Iterator[tuple[_Files, str]]:
    """Yield this process's cgroups that may have memory files, each as its version's file names and its folder."""
    for line in read_proc("/proc/self/cgroup").decode("utf-8", "surrogateescape").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield _VERSION_2, f"{_VERSION_2.mount}{path}".rstrip("/")
        elif "memory" in controllers.split(","):
            yield _VERSION_1, f"{_VERSION_1.mount}{path}".rstrip("/")


def _read_oom_kill_count(path: str) -> int | None:
    """Return the value of the line `oom_kill` in a file, or None if it has none."""
    for line in read_proc(path).splitlines():
        name, _, value = line.partition(b" ")
        if name == b"oom_kill" and value.isdigit():
            return int(value)
    return None
