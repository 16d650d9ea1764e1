"""The transient errors of engines; whatever else an engine says to a submission is its refusal, which is final.

For each engine there is a table, and one for what the operating system says through any of them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

_SYSTEM = tuple(
    os.strerror(number)
    for number in (
        *(errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE),
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOTCONN, errno.EPIPE),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
    )
)

# What Slurm's commands say when the controller or its database is away, rather than of what they are asked.
_SLURM = (
    "Unable to contact slurm controller",
    "Slurm backup controller in standby mode",
    "Socket timed out on send/recv operation",
    "Unexpected message received",
    "Zero Bytes were transmitted or received",
    "Message receive failure",
    "Message send failure",
    "Communication connection failure",
    "Communication shutdown failure",
    "Slurm temporarily unable to accept job",
    "I/O error writing script/environment to file",
    "Protocol authentication error",
    "Problem talking to the database",
    "Unable to connect to database",
    "slurmdbd: Unable to connect",
)

_SSH_FAILED = 255
_SIGNALED = 128
"""The exit code of a program that a signal has ended is larger, as that of one killed for want of memory."""
_RSYNC_FAILED = frozenset({10, 12, 14, 20, 22, 30, 35})
"""The exit codes of rsync when the connection is lost, nothing has come for too long, or memory is short."""

_RAY_REFUSED = 400
"""The only status of HTTP by which Ray refuses a job: those of servers and proxies, such as 429 and 503, may pass."""


def is_transient_slurm_error(message: str) -> bool:
    """Return whether an error of one of Slurm's commands may be transient, so that a retry may succeed."""
    return _contains_any(message, (*_SLURM, *_SYSTEM))


def is_transient_ssh_error(exit_code: int, message: str) -> bool:
    """Return whether an error of ssh, rsync or a command on the other machine may be transient."""
    return (
        exit_code == _SSH_FAILED
        or exit_code > _SIGNALED
        or exit_code < 0
        or exit_code in _RSYNC_FAILED
        or _contains_any(message, _SYSTEM)
    )


def is_transient_ray_error(status: int, text: str) -> bool:
    """Return whether an error response of Ray's Jobs API may be transient.

    The head passes a request on to its agent, and reports that one's refusal as an error of its own.
    """
    return status != _RAY_REFUSED and f"status code {_RAY_REFUSED}" not in text


def _contains_any(message: str, phrases: Sequence[str]) -> bool:
    lowered = message.lower()
    return any(phrase.lower() in lowered for phrase in phrases)
