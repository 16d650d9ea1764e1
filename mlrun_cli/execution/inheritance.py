"""What a process inherits besides its variables: its umask and its niceness.

A run that waits is started by a dispatcher, which has those of whoever has started that.
"""

from __future__ import annotations

import os
from contextlib import suppress


def own_umask() -> int | None:
    """The umask of this process; None where there is no /proc to read it in.

    `os.umask` can only set it, while another thread may be making a file.
    """
    with suppress(OSError), open("/proc/self/status", encoding="utf-8", errors="replace") as status:
        return next((int(line.split()[1], 8) for line in status if line.startswith("Umask:")), None)
    return None


def own_niceness() -> int:
    """The niceness of this process."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def take_on(umask: int | None, niceness: int | None) -> None:
    """Have this process, and all that it starts, be like that; only a privileged one can become less nice.

    None leaves it as it is.
    """
    if umask is not None:
        os.umask(umask)
    if niceness is not None:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
