"""`mlrun`: the program, from its first import to its end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130

_PROGRAMS = frozenset({"mlrun", "mlrun-cli"})
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: what Ctrl-C would undo is undone, then the signal ends the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> NoReturn:
    """Run the command line, and exit."""
    if os.name == "nt":
        sys.exit("ERROR: mlrun needs Linux, WSL or macOS: on Windows, install it inside WSL.")
    # Nearly all that a command makes is modules, which stay: to look among them for what is left over finds nothing.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    exit_code = INTERRUPTED
    try:
        _end_by_exception()
        # From here on, Ctrl-C ends it without a traceback.
        from mlrun_cli.cli.deferred_modules import RARELY_USED, defer_modules  # noqa: PLC0415

        defer_modules(RARELY_USED)
        from mlrun_cli.cli.main import run  # noqa: PLC0415
        from mlrun_cli.cli.tree import build_root  # noqa: PLC0415

        program = os.path.basename(sys.argv[0])
        exit_code = run(build_root(), sys.argv[1:], program=program if program in _PROGRAMS else "mlrun")
    except Terminated as terminated:
        signal.signal(terminated.number, signal.SIG_DFL)
        os.kill(os.getpid(), terminated.number)
    except KeyboardInterrupt:
        pass
    # `run` has closed and written all there is; to take the interpreter apart is a seventh of a short command's time.
    os._exit(exit_code)


def _end_by_exception() -> None:
    """Make SIGTERM and SIGHUP raise, once; leave ignored ones, as under `nohup`, ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise)


def _raise(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one does not wait for what the first one undoes
    raise Terminated(number)
