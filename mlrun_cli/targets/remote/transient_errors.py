"""The transient errors of ssh, and of rsync and commands through it; others are final."""

from __future__ import annotations

from mlrun_cli.targets.transient_errors import SYSTEM_ERRORS, contains_any

_SSH_FAILED = 255
_SIGNALED = 128
"""The exit code of a program that a signal has ended is larger, as that of one killed for want of memory."""
_RSYNC_FAILED = frozenset({10, 12, 14, 20, 22, 30, 35})
"""The exit codes of rsync when the connection is lost, nothing has come for too long, or memory is short."""


def is_transient_ssh_error(exit_code: int, message: str) -> bool:
    """Return whether an error of ssh, rsync or a command on the other machine may be transient."""
    return (
        exit_code == _SSH_FAILED
        or exit_code > _SIGNALED
        or exit_code < 0
        or exit_code in _RSYNC_FAILED
        or contains_any(message, SYSTEM_ERRORS)
    )
