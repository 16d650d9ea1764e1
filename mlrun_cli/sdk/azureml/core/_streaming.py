"""The logs of a run on their way to standard output, while somebody waits for the run's end."""

import os
import sys
import time
from codecs import getincrementaldecoder
from glob import escape, glob
from typing import Any, Callable

from azureml._client.wording import translate_options

ENDED = frozenset({"Completed", "Failed", "Canceled"})

_WITH_SCRIPT = frozenset({"Running", "Finalizing", "Completed"})
_INSTALLERS_LOG = "system_logs/environment.log"
_LOG = "user_logs/std_log.txt"
_PROCESS_LOG = "user_logs/std_log_process_*.txt"
_PIECE = 1 << 16
_QUICK_SECONDS = 0.02
_CALM_SECONDS = 0.25


def wait(status: Callable[[], str], logs: "Logs | None" = None) -> None:
    """Wait until a run has ended; what is printed for it meanwhile goes through `logs`."""
    began = time.monotonic()
    while True:
        now = status()
        # Looked at after the status: what was printed before the end is in them for sure.
        moved = logs is not None and logs.copy(is_with_script=now in _WITH_SCRIPT)
        if now in ENDED:
            return
        is_quick = moved or time.monotonic() - began < 1
        time.sleep(_QUICK_SECONDS if is_quick else _CALM_SECONDS)


class Logs:
    """Prints what the installer of a run's environment has printed and then what its script has.

    Of a script with several processes, what the first has printed.
    """

    def __init__(self, run_folder: str) -> None:
        artifacts = os.path.join(run_folder, "artifacts")
        processes = sorted(glob(os.path.join(escape(artifacts), _PROCESS_LOG)))
        name = os.path.relpath(processes[0], artifacts) if processes else _LOG
        self._installers = _Log(artifacts, _INSTALLERS_LOG, _printable)
        self._scripts = _Log(artifacts, name)

    def copy(self, is_with_script: bool) -> bool:
        """Print what has come since; whether there was any. A script that has started has a title, silent or not."""
        found = self._installers.copy()
        if self._scripts.has_more():
            self._installers.copy()  # its last words may have come since; they stand before the script's first
            return self._scripts.copy()
        if is_with_script:
            self._scripts.begin()
        return found


class _Log:
    """A file among those of a run, which is printed below a title."""

    def __init__(self, artifacts: str, name: str, clean: Callable[[str], str] = str) -> None:
        self._name = name
        self._path = os.path.join(artifacts, name)
        self._clean = clean
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._is_begun = False
        self._offset = 0

    def has_more(self) -> bool:
        """Whether something has come since; False when there is no such file, or not yet."""
        try:
            return os.path.getsize(self._path) > self._offset
        except FileNotFoundError:
            return False

    def begin(self) -> None:
        """Print the title, unless it is there."""
        if not self._is_begun:
            self._is_begun = True
            title = f"Streaming {self._name}"
            sys.stdout.write(f"\n{title}\n{'=' * len(title)}\n\n")
            sys.stdout.flush()

    def copy(self) -> bool:
        """Print what has come since; whether there was any."""
        if not self.has_more():
            return False
        self.begin()
        with open(self._path, "rb", buffering=0) as file:
            file.seek(self._offset)
            while True:
                piece = file.read(_PIECE)
                if not piece:
                    break
                self._offset += len(piece)
                sys.stdout.write(self._clean(self._decoder.decode(piece)))
        sys.stdout.flush()
        return True


def _printable(text: str) -> str:
    """Without what would steer a terminal: packages of strangers have their say in what an installer prints."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
    )


def head(run_id: str, address: str) -> str:
    """What stands above the logs."""
    return f"RunId: {run_id}\nWeb View: {address}"


def summary(run_id: str, address: str, details: "dict[str, Any]") -> str:
    """What stands below it."""
    lines = ["", "Execution Summary", "=================", f"RunId: {run_id}", f"Web View: {address}"]
    if details.get("warnings"):
        lines.append("\nWarnings:")
        lines.extend(str(warning["message"]) for warning in details["warnings"])
    if details.get("error"):
        lines.append(f"\nError:\n{error_text(details['error'])}")
    return "\n".join([*lines, ""])


def error_text(error: "dict[str, Any]") -> str:
    """The message of a run's error, behind the name of its exception if there is one."""
    inner = error.get("error") or {}
    kind, message = (inner.get("debugInfo") or {}).get("type"), translate_options(inner.get("message") or "")
    return message if not kind or kind == message else f"{kind}: {message}"
