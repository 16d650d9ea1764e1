"""The identity of the machine, boot and PID namespace of this process."""

from __future__ import annotations

import os
import pwd
from functools import lru_cache
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple


class Origin(NamedTuple):
    """The machine, boot and PID namespace of a run's supervisor.

    Only a process with the same origin may determine the run's liveness from its lock or signal it by pid.
    """

    host_id: str
    boot_id: str
    pid_namespace: str


@lru_cache(maxsize=1)
def get_origin() -> Origin:
    """Return the origin of runs that this process starts; pids are valid only for this origin."""
    return Origin(_read_host_id(), _read_boot_id(), _read_pid_namespace())


def _read_host_id() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    return os.uname().nodename


def _read_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read_pid_namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def get_user_name() -> str:
    """Return the name of the current user, or the user ID (UID) if the user has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
