"""Access to files below /proc."""

from __future__ import annotations


def read_proc(path: str) -> bytes:
    """Return the content of a file below `/proc`, or empty bytes if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
