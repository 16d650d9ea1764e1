"""A claim to a file that is yet to be made, so that of two commands only one sets out to make it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mlrun_cli.files.locks import NO_LOCKS, taken_lock
from mlrun_cli.files.temporary import TEMPORARY_PREFIX


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold the claim to `path`, where nothing is made meanwhile, nor its folder if there is none.

    The claim is a locked file in the nearest folder there is: of a command that is killed, the lock is gone, and the
    next one takes over what is left. Where the file system knows no locks, several may hold the claim.

    Raises:
        BlockingIOError: another process holds it.
        OSError: nothing can be made in that folder.
    """
    file = _file_of_claim(path)
    lock: int | None = None
    try:
        lock = taken_lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        with suppress(OSError):  # the folder may be gone
            file.unlink()
        if lock is not None:
            os.close(lock)


def _file_of_claim(path: Path) -> Path:
    whole = path.absolute()
    folder = next(parent for parent in whole.parents if os.path.lexists(parent))
    return folder / f"{TEMPORARY_PREFIX}{sha256(os.fsencode(whole.relative_to(folder))).hexdigest()[:32]}"
