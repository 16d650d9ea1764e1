"""Linux system calls that Python does not provide; on other systems these calls are left out."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ARG_START = 45
"""The index of the addresses of the command line in /proc/self/stat, counted from behind the name."""

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def become_subreaper() -> None:
    """Make this process, instead of init, the parent of every descendant whose parent dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def build_parent_death_hook(parent_pid: int) -> Callable[[], None]:
    """Return a function for a child to call between fork and exec, so that it is killed when its parent dies.

    It also resets the child's handlers of SIGINT, SIGHUP and SIGTERM, on other systems too.
    """

    def prepare_child() -> None:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            # The parent may have died before the request: then nobody is left to send the signal.
            if os.getppid() != parent_pid:
                os._exit(1)

    return prepare_child


def set_command_line(arguments: Sequence[str]) -> None:
    """Set the command line that `ps` shows for this forked process.

    It overwrites the command line of the parent process and is truncated to the same length.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
            start, end = map(int, fields[_ARG_START : _ARG_START + 2])
            shown = b"\0".join(map(os.fsencode, arguments))[: end - start - 1]
            ctypes.memmove(start, shown.ljust(end - start, b"\0"), end - start)
