"""The lock of a command that streams a run; the run is canceled if that command is killed."""

from __future__ import annotations

import os

from mlrun_cli.core.owned_file import OwnedFile, list_abandoned_files
from mlrun_cli.runs.folder import RunFolder


def acquire_stream_lock(folder: RunFolder) -> OwnedFile:
    """Create the locked file that a command holds while it streams a run.

    Raises:
        OSError: it cannot be created.
        StoreError: the file system does not support locks.
    """
    return OwnedFile.create(folder.streams / f"{os.getpid()}-{os.urandom(4).hex()}")


def has_lost_stream(folder: RunFolder) -> bool:
    """Return whether a command that streamed a run, and would cancel it when interrupted, was killed."""
    return bool(list_abandoned_files(folder.streams))
