"""The log of a run on its way to standard output, while somebody waits for the run's end."""

from __future__ import annotations

import os
import sys
import time
from codecs import getincrementaldecoder
from glob import escape, glob
from typing import Any, Callable

ENDED = frozenset({"Completed", "Failed", "Canceled"})

_LOG = "user_logs/std_log.txt"
_PROCESS_LOG = "user_logs/std_log_process_*.txt"
_PIECE = 1 << 16
_QUICK_SECONDS = 0.02
_CALM_SECONDS = 0.25


def wait(status: Callable[[], str], log: Log | None = None) -> None:
    """Wait until a run has ended; what it prints meanwhile goes through `log`."""
    began = time.monotonic()
    while True:
        has_ended = status() in ENDED
        # Looked at after the status: what was printed before the end is in it for sure.
        moved = log is not None and log.copy()
        if has_ended:
            return
        is_quick = moved or time.monotonic() - began < 1
        time.sleep(_QUICK_SECONDS if is_quick else _CALM_SECONDS)


class Log:
    """Prints what a script has printed, from its beginning; of one with several processes, what the first has.

    Attributes:
        name: The log's, among the files of the run.
    """

    def __init__(self, run_folder: str) -> None:
        artifacts = os.path.join(run_folder, "artifacts")
        logs = sorted(glob(os.path.join(escape(artifacts), _PROCESS_LOG)))
        self._path = logs[0] if logs else os.path.join(artifacts, _LOG)
        self.name = os.path.relpath(self._path, artifacts)
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._offset = 0

    def copy(self) -> bool:
        """Print what has come since; whether there was any."""
        before = self._offset
        try:
            with open(self._path, "rb", buffering=0) as file:
                file.seek(before)
                while True:
                    piece = file.read(_PIECE)
                    if not piece:
                        break
                    self._offset += len(piece)
                    sys.stdout.write(self._decoder.decode(piece))
        except FileNotFoundError:  # a run without a script has none
            return False
        sys.stdout.flush()
        return self._offset > before


def head(run_id: str, address: str, log: Log) -> str:
    """What stands above a log."""
    title = f"Streaming {log.name}"
    return f"RunId: {run_id}\nWeb View: {address}\n\n{title}\n{'=' * len(title)}\n"


def summary(run_id: str, address: str, details: dict[str, Any]) -> str:
    """What stands below it."""
    lines = ["", "Execution Summary", "=================", f"RunId: {run_id}", f"Web View: {address}"]
    if details.get("warnings"):
        lines.append("\nWarnings:")
        lines.extend(str(warning["message"]) for warning in details["warnings"])
    if details.get("error"):
        lines.append(f"\nError:\n{error_text(details['error'])}")
    return "\n".join([*lines, ""])


def error_text(error: dict[str, Any]) -> str:
    """The message of a run's error, behind the name of its exception if there is one."""
    inner = error.get("error") or {}
    kind, message = (inner.get("debugInfo") or {}).get("type"), inner.get("message") or ""
    return message if not kind or kind == message else f"{kind}: {message}"
