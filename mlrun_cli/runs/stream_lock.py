"""The lock of the command that streams a run: the run is canceled when that command dies."""

from __future__ import annotations

import os

from mlrun_cli.core.owned_file import OwnedFile, list_abandoned_files
from mlrun_cli.runs.folder import RunFolder


def get_stream_lock(folder: RunFolder) -> OwnedFile:
    """Return the file that the command holds while it streams, and removes when it leaves the run going.

    Raises:
        OSError: it cannot be made.
        StoreError: the file system knows no locks.
    """
    return OwnedFile(folder.streams / f"{os.getpid()}-{os.urandom(4).hex()}")


def has_lost_its_stream(folder: RunFolder) -> bool:
    """Return whether the command that streams a run, and should cancel it when interrupted, was killed."""
    return bool(list_abandoned_files(folder.streams))
