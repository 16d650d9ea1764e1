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


def was_streaming_command_killed(folder: RunFolder) -> bool:
    """Return whether a command that was streaming a run has been killed, so that the run is to be canceled."""
    return bool(list_abandoned_files(folder.streams))
