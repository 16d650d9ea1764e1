"""`mlrun`: the program, from its first import to its end."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130

_PROGRAMS = frozenset({"mlrun", "mlrun-cli"})
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> NoReturn:
    """Run what was typed, and exit."""
    if os.name == "nt":
        sys.exit("ERROR: mlrun needs Linux, WSL or macOS: on Windows, install it inside WSL.")
    # Nearly all that a command makes is modules, which stay: to look among them for what is left over finds nothing.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    exit_code = INTERRUPTED
    with suppress(KeyboardInterrupt):
        from mlrun_cli.cli.main import run  # noqa: PLC0415 - from here on, Ctrl-C ends it without a traceback
        from mlrun_cli.cli.tree import root  # noqa: PLC0415

        program = os.path.basename(sys.argv[0])
        exit_code = run(root(), sys.argv[1:], program=program if program in _PROGRAMS else "mlrun")
    # `run` has closed and written all there is; to take the interpreter apart is a seventh of a short command's time.
    os._exit(exit_code)
