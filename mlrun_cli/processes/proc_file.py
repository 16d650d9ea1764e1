"""The files below /proc."""

from __future__ import annotations


def read_proc(path: str) -> bytes:
    """Return the content of a file of `/proc`; empty when its process is gone, or it may not be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
