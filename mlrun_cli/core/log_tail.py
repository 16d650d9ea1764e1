"""The end of a log."""

from __future__ import annotations

import os

_TAIL_BYTES = 1 << 16


def read_tail(path: os.PathLike[str]) -> str:
    """Return the last 64 KiB of a file as text, or an empty string if it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
