"""Claims to files that do not exist yet, so that two commands do not create the same one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mlrun_cli.core.home import get_home_folder, make_private_folder
from mlrun_cli.core.locks import acquire_lock, remove_lock_file
from mlrun_cli.errors import StoreError


@contextmanager
def claim_file(path: Path) -> Iterator[None]:
    """Claim the right to write a file for the duration of the block, without creating the file.

    The claim is a locked file in `$MLRUN_HOME`. If a command is killed, its lock is released, and the next command
    takes over the file. If the file cannot be created or locked, several commands may hold the claim; so may commands
    before there is a `$MLRUN_HOME`, since one that only reads must not create it.

    Raises:
        BlockingIOError: another process holds the claim.
    """
    home = get_home_folder(os.environ)
    file = home / "claims" / sha256(os.fsencode(path.absolute())).hexdigest()
    lock: int | None = None
    try:
        if home.exists():
            make_private_folder(file.parent)
        lock = acquire_lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except (OSError, StoreError):
        pass
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):
                remove_lock_file(file, lock)
