"""The log of a supervisor or a dispatcher: its standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def write_log(text: str) -> None:
    """Write a line; a full disk must not end a program that owns runs."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())
