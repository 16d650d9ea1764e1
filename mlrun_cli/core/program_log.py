"""The log of a supervisor or a dispatcher, which is its standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def log_exception() -> None:
    """Write the current exception and its traceback to the log, in the interpreter's format.

    The module `traceback` would cost each supervisor 3 ms and half a megabyte, and most never need it.
    """
    sys.__excepthook__(*sys.exc_info())


def write_log(text: str) -> bool:
    """Write a line to the log; return False if the disk is full, which must not end a program that owns runs."""
    line = f"{text}\n".encode()
    with suppress(OSError):
        return os.write(sys.stderr.fileno(), line) == len(line)
    return False
