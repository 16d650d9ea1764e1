"""The transient errors of the operating system, as engines report them; each kind has those of its own engine."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

SYSTEM_ERRORS = tuple(
    os.strerror(number)
    for number in (
        *(errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE),
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOTCONN, errno.EPIPE),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
    )
)


def contains_any(message: str, phrases: Sequence[str]) -> bool:
    """Return whether a message contains one of the phrases, ignoring case."""
    lowered = message.lower()
    return any(phrase.lower() in lowered for phrase in phrases)
