"""Refreshing of folder listings on network file systems."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.temporary import make_temporary_name


def refresh_folder(folder: Path) -> None:
    """Force the next listing of a folder to come from the file server, not from a cache; ignore failures.

    A client of a network file system drops the names that it has cached when it changes the folder itself.
    """
    path = folder / make_temporary_name()
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with suppress(OSError):
        path.unlink(missing_ok=True)
