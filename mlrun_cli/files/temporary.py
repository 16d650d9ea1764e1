"""Files that are there for a while, in folders of the user and in our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_PREFIX = ".mlrun-temporary-"
"""How their names begin; a snapshot leaves them out."""


def temporary_name() -> str:
    """A name that nobody else has, another thread of this process included."""
    return TEMPORARY_PREFIX + os.urandom(8).hex()


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Such a name in a path's folder; a file that still has it at the end is removed."""
    temporary = path.with_name(temporary_name())
    try:
        yield temporary
    finally:
        with suppress(OSError):  # it has another name, or its folder is gone
            temporary.unlink()
