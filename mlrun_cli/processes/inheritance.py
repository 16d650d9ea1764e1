"""The umask, niceness and resource limits (`ulimit`) that a process inherits.

A queued run is started by a dispatcher, which may have inherited other values than the submission. The limits apply
only to the script: a limit of the file size must not keep the supervisor from recording how the script ended.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Limits = Mapping[str, Sequence[int]]
"""Soft and hard limit by name, as `RLIMIT_FSIZE`; -1 for none."""

LIMITS_VARIABLE = "MLRUN_SCRIPT_LIMITS"
"""The limits of a script, for the process that submits on its behalf and has none of its own."""

_NAMES = tuple(name for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE")
_LIFTED = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE")
_OPTIONS = {"RLIMIT_CPU": "-t", "RLIMIT_FSIZE": "-f"}
_ROOM_BYTES = 1 << 16
_MAY_LIFT = 1 << 24
"""CAP_SYS_RESOURCE."""


def read_umask() -> int | None:
    """Return the umask of this process, or None if there is no /proc to read it from.

    `os.umask` would have to change it, while another thread may be creating a file.
    """
    text = _read_status_field("Umask:")
    return None if text is None else int(text, 8)


def get_niceness() -> int:
    """Return the niceness of this process."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def get_limits() -> dict[str, list[int]]:
    """Return the resource limits of this process, or of the script on whose behalf it works."""
    given = os.environ.get(LIMITS_VARIABLE)
    if given is not None:
        return dict(json.loads(given))
    return {name: list(resource.getrlimit(getattr(resource, name))) for name in _NAMES}


def list_limit_warnings(limits: Limits) -> tuple[str, ...]:
    """Return a warning for each limit that a supervisor cannot lift and that may keep it from recording a run's end."""
    if int(_read_status_field("CapEff:") or "0", 16) & _MAY_LIFT:
        return ()
    return tuple(
        f"'ulimit {option}' holds for the run's supervisor too, which may fail to record how the run ends: "
        f"'ulimit -S {option} …' leaves it free."
        for name, option in _OPTIONS.items()
        if limits[name][1] != resource.RLIM_INFINITY
    )


def set_umask_and_niceness(umask: int | None, niceness: int | None) -> None:
    """Set the umask and niceness of this process and its future children; None leaves a value unchanged.

    Only a privileged process can lower its niceness.
    """
    if umask is not None:
        os.umask(umask)
    if niceness is not None:
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, niceness)


def lift_limits() -> None:
    """Raise the resource limits of this process, such as for open files, as far as the system allows."""
    for name in (*_LIFTED, "RLIMIT_NOFILE"):
        number = getattr(resource, name)
        _, most = resource.getrlimit(number)
        for wanted in (*((resource.RLIM_INFINITY,) if name in _LIFTED else ()), most):
            with suppress(OSError, ValueError):
                resource.setrlimit(number, (wanted, wanted))
                break


def exceeds_file_size_limit(files: Iterable[Path]) -> bool:
    """Return whether one of the files is too large for this process to append to, given its file size limit."""
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return most != resource.RLIM_INFINITY and any(file.stat().st_size + _ROOM_BYTES > most for file in files)


def set_limits(limits: Limits) -> None:
    """Set resource limits for this process and its future children, as far as permitted."""
    for name, (soft, hard) in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        try:
            resource.setrlimit(number, (soft, hard))
        except (OSError, ValueError):  # only a privileged process gets back what was taken from it
            _, most = resource.getrlimit(number)
            lower = most if soft == resource.RLIM_INFINITY else min(soft, most)
            with suppress(OSError, ValueError):
                resource.setrlimit(number, (lower, most))


def _read_status_field(field_name: str) -> str | None:
    with suppress(OSError), open("/proc/self/status", encoding="utf-8", errors="replace") as status:
        return next((line.split()[1] for line in status if line.startswith(field_name)), None)
    return None
