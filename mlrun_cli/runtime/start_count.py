"""The count of a process's starts, used to start processes that keep failing less often."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.runs.owner_lock import OwnerLock

_MAX_STARTS = 3
_BACKOFF_SECONDS = 10.0
"""The backoff between two starts after `_MAX_STARTS` processes in a row have ended before doing their work."""


class StartCount:
    """The starts of a process that holds a lock, counted since such a process last completed its work.

    The lock file contains a byte for each start, and its modification time is that of the last one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def increment(self, held_lock: OwnerLock) -> None:
        """Count a start of the process that is to inherit the held lock; ignore errors such as a full disk."""
        with suppress(OSError):
            os.pwrite(held_lock.descriptor, b".", os.fstat(held_lock.descriptor).st_size)

    def reset(self, held_lock: OwnerLock) -> None:
        """Reset the count of starts to zero after a started process has completed its work."""
        with suppress(OSError):
            os.ftruncate(held_lock.descriptor, 0)

    def is_failing(self) -> bool:
        """Return whether all recent processes have ended before they completed their work."""
        return self._find_repeated_failure_time() is not None

    def is_backing_off(self) -> bool:
        """Return whether the backoff after repeated failures has not yet elapsed since the last start."""
        failed_at = self._find_repeated_failure_time()
        return failed_at is not None and abs(time.time() - failed_at) < _BACKOFF_SECONDS

    def _find_repeated_failure_time(self) -> float | None:
        """Return the time of the last start in seconds since the epoch, or None if not enough starts have failed."""
        try:
            found = get_counterpart(self._path).stat()
        except FileNotFoundError:
            return None
        return found.st_mtime if found.st_size >= _MAX_STARTS else None
