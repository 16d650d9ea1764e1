"""The log of a supervisor or a dispatcher: its standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def log_exception() -> None:
    """Write the exception that is being handled, with its traceback, as the interpreter writes one that ends it.

    The module `traceback` takes 3 ms and half a megabyte of each supervisor, most of which never need it.
    """
    sys.__excepthook__(*sys.exc_info())


def write_log(text: str) -> None:
    """Write a line; a full disk must not end a program that owns runs."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())
