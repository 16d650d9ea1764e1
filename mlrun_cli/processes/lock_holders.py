"""The processes that hold the locks of a file, read from /proc for error messages."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.proc_file import read_proc

_LONGEST_COMMAND = 80
_STOPPED = frozenset({b"T", b"t"})
_ENDED = frozenset({b"Z", b"X"})
_PROGRAM_OF_RUN = "mlrun_cli/supervisor/__main__.py"


class LockHolder(NamedTuple):
    """A process that holds a lock."""

    pid: int
    command: str
    run_id: str | None
    is_stopped: bool

    @property
    def description(self) -> str:
        """A description of the process, for use as the subject of a sentence."""
        who = f"process {self.pid}" + (f" ({self.command})" if self.command else "")
        if self.run_id is not None:
            who = f"the supervisor of the run {self.run_id} (process {self.pid})"
        return f"{who}, which is stopped," if self.is_stopped else who

    @property
    def advice(self) -> str:
        """A sentence of advice for the user."""
        if self.is_stopped:
            return f"Let it go on ('kill -CONT {self.pid}'), or end it ('kill -KILL {self.pid}'), then try again."
        return f"Try again when it has ended ('ps -p {self.pid}' shows it)."


def list_exclusive_holders(files: Collection[Path]) -> Sequence[LockHolder]:
    """Return the other processes that hold an exclusive lock on one of these files; empty without /proc/locks."""
    inodes = set()
    for file in files:
        with suppress(OSError):
            inodes.add(str(file.stat().st_ino))
    pids = {pid for pid, inode in _iterate_exclusive_locks() if inode in inodes and pid not in {0, os.getpid()}}
    return [describe_holder(pid) for pid in sorted(pids)]


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped by a signal or a debugger, or is in a frozen control group.

    A process with a thread that is still running, for example in a system call, is not stopped.
    """
    states = _list_thread_states(pid)
    return bool(states) and (states <= _STOPPED or _is_frozen(pid))


def describe_holder(pid: int) -> LockHolder:
    """Return a description of a process that holds a lock."""
    words = [word for word in read_proc(f"/proc/{pid}/cmdline").decode("utf-8", "replace").split("\0") if word]
    run_id = words[-1] if len(words) > 1 and any(word.endswith(_PROGRAM_OF_RUN) for word in words) else None
    if words and os.path.basename(words[0]).startswith("python"):
        words = words[1:]  # the program that it runs says more
    command = " ".join([os.path.basename(words[0]), *words[1:]]) if words else ""
    if len(command) > _LONGEST_COMMAND:
        command = f"{command[:_LONGEST_COMMAND]}…"
    return LockHolder(pid, command, run_id, is_stopped(pid))


def _list_thread_states(pid: int) -> set[bytes]:
    """Return the states of a process's live threads, or none if the process no longer exists."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return set()
    stats = [read_proc(f"/proc/{pid}/task/{thread}/stat").rpartition(b")")[2].split() for thread in threads]
    return {fields[0] for fields in stats if fields} - _ENDED


def _iterate_exclusive_locks() -> Iterator[tuple[int, str]]:
    """Yield the pid and inode of every exclusive lock in /proc/locks.

    A line is `1: POSIX  ADVISORY  WRITE 42 08:01:1234 120 120`. Devices are ignored, because some
    file systems report other device numbers in `stat`.
    """
    for line in read_proc("/proc/locks").decode("ascii", "replace").splitlines():
        found = re.match(r"\d+: \w+ +\w+ +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", line)
        if found is not None:
            yield int(found[1]), found[2]


def _is_frozen(pid: int) -> bool:
    """Return whether a process is in a frozen control group, as batch systems and container engines suspend jobs."""
    for line in read_proc(f"/proc/{pid}/cgroup").decode("utf-8", "replace").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers and b"frozen 1" in read_proc(f"/sys/fs/cgroup{path}/cgroup.events"):
            return True
        if "freezer" in controllers and read_proc(f"/sys/fs/cgroup/freezer{path}/freezer.state").strip() == b"FROZEN":
            return True
    return False
