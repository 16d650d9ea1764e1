"""A claim to a file that is yet to be made, so that of two commands only one sets out to make it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mlrun_cli.core.home import get_home_folder, make_private_folder
from mlrun_cli.core.locks import acquire_lock, remove_locked
from mlrun_cli.errors import StoreError


@contextmanager
def claim_file(path: Path) -> Iterator[None]:
    """Claim `path` for the duration of the block, without creating the file.

    The claim is a locked file in `$MLRUN_HOME`: of a command that is killed, the lock is gone, and the next one takes
    over what is left. Where no such file can be made, or locked, several may hold the claim.

    Raises:
        BlockingIOError: another process holds it.
    """
    file = get_home_folder(os.environ) / "claims" / sha256(os.fsencode(path.absolute())).hexdigest()
    lock: int | None = None
    try:
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
                remove_locked(file, lock)
