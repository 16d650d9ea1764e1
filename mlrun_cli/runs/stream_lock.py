"""What ties a run to the command that streams it: it is to be canceled when that ends, however it ends."""

from __future__ import annotations

import os

from mlrun_cli.core.owned_file import OwnedFile, abandoned_files
from mlrun_cli.runs.folder import RunFolder


def stream_lock(folder: RunFolder) -> OwnedFile:
    """What the command holds while it streams, and removes when it leaves the run going.

    Raises:
        OSError: it cannot be made.
        StoreError: the file system knows no locks.
    """
    return OwnedFile(folder.streams / f"{os.getpid()}-{os.urandom(4).hex()}")


def has_lost_its_stream(folder: RunFolder) -> bool:
    """Whether a command that the run is to be canceled with was killed, or its job has ended."""
    return bool(abandoned_files(folder.streams))
