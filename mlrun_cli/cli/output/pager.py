"""Printing of long texts on a terminal through a pager, as git and gh do."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from contextlib import suppress

from mlrun_cli.cli.ci.job import is_ci_job


def print_text(text: str, *, uses_pager: bool = True) -> None:
    """Print text; on a terminal through `$MLRUN_PAGER`, `$PAGER` or `less`, if available.

    Args:
        text: the text, which may have colours.
        uses_pager: False to print it at once, as for `--no-pager`.
    """
    command = _find_pager() if uses_pager and sys.stdout.isatty() else []
    if command:
        sys.stdout.flush()
        _run_pager(command, text)
    else:
        sys.stdout.write(text)


def _find_pager() -> list[str]:
    """Return the pager's command line, empty if there is none or paging is switched off."""
    if os.environ.get("TERM") == "dumb" or is_ci_job():
        return []
    try:
        command = shlex.split(os.environ.get("MLRUN_PAGER", os.environ.get("PAGER", "less")))
    except ValueError:  # a quote that nothing closes
        return []
    return [] if not command or command == ["cat"] or shutil.which(command[0]) is None else command


def _run_pager(command: list[str], text: str) -> None:
    import subprocess  # noqa: PLC0415 - only a terminal needs it

    # less: leave at once what fits the screen, pass colours on, do not clear the screen. lv: pass colours on.
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    # Ctrl-C is the pager's: it ends a search there.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, restore_signals=True) as pager:
            assert pager.stdin is not None
            with suppress(BrokenPipeError):  # it was left before the end
                pager.stdin.write(text.encode("utf-8", "replace"))
                pager.stdin.close()
    finally:
        signal.signal(signal.SIGINT, before)
