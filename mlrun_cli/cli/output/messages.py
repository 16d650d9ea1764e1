"""Messages of a command: errors, warnings and progress, always on stderr, so that `| jq` works."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, TextIO

from mlrun_cli.cli.azure.defaults import read_azure_switch
from mlrun_cli.errors import MlrunError
from mlrun_cli.wire.run_output import make_lines_printable

_RED, _YELLOW, _PLAIN = "\033[31m", "\033[33m", "\033[0m"


class Level(IntEnum):
    """The level of detail of messages, set by `--only-show-errors`, `--verbose` and `--debug`."""

    ERRORS = 0
    NORMAL = 1
    VERBOSE = 2
    DEBUG = 3


class Messages:
    """A writer of messages to stderr or another stream; texts are passed without a final newline."""

    def __init__(self, stream: TextIO | None = None, *, level: Level = Level.NORMAL, colour: bool = False) -> None:
        self.level = level
        self._stream = stream
        self._colour = colour

    def error(self, error: MlrunError) -> None:
        """Write an error's message and, on the next line, its hint, with credentials redacted."""
        from mlrun_cli.core.redaction import Redactor  # noqa: PLC0415 - start-up

        redact = Redactor().redact_text
        self._write(redact(error.message), label="ERROR", colour=_RED)
        if error.hint is not None:
            self._write(redact(error.hint))

    def json_error(self, error: MlrunError) -> None:
        """Write an error as one redacted line of JSON, `{"error": {"code": …, "message": …, "hint": …, …}}`."""
        import json  # noqa: PLC0415 - start-up

        from mlrun_cli.core.redaction import Redactor  # noqa: PLC0415 - start-up

        redact = Redactor().redact_text
        self._write(json.dumps({"error": _redact_strings(error.to_record(), redact)}))

    def warning(self, text: str) -> None:
        """Write a warning, unless only errors are shown."""
        if self.level >= Level.NORMAL:
            self._write(text, label="WARNING", colour=_YELLOW)

    def info(self, text: str) -> None:
        """Write a message about progress or a next step, unless only errors are shown."""
        if self.level >= Level.NORMAL:
            self._write(text)

    def report_unsuccessful_run(self, text: str) -> None:
        """Write a message about a run that did not complete, whatever the verbosity."""
        self._write(text)

    def detail(self, text: str) -> None:
        """Write a message that is only shown with `--verbose` or `--debug`."""
        if self.level >= Level.VERBOSE:
            self._write(text)

    def debug(self, text: str) -> None:
        """Write a message that is only shown with `--debug`."""
        if self.level >= Level.DEBUG:
            self._write(text)

    def _write(self, text: str, *, label: str | None = None, colour: str = "") -> None:
        prefix = "" if label is None else f"{label}: "
        if prefix and self._colour:
            prefix = f"{colour}{label}:{_PLAIN} "
        stream = self._stream or sys.stderr
        stream.write(f"{prefix}{make_lines_printable(text)}\n")
        stream.flush()


def wants_colour(stream: TextIO) -> bool:
    """Return whether to colour output: `stream` is a terminal and the user has not disabled colours."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return False
    return not read_azure_switch("core", "no_color")


def _redact_strings(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _redact_strings(item, redact) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact_strings(item, redact) for item in value]
    return redact(value) if isinstance(value, str) else value
