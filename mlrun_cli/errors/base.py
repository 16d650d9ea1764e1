"""The base class of all errors, and the class for bugs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class MlrunError(Exception):
    """Base class of all errors.

    Attributes:
        message: what is wrong, and why.
        hint: what to do about it.
        target: the id, name, path, option or variable that it is about.
        location: the file, or `FILE, line N`, with which the message begins.
        key_path: the key in that file.
        notes: lines for stderr, such as about skipped keys, one of which may be the cause.
    """

    exit_code = 1
    notes: Sequence[str] = ()
    location: str | None = None
    key_path: str | None = None

    def __init__(self, message: str, *, hint: str | None = None, target: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.target = None if target is None else str(target)

    @property
    def code(self) -> str:
        """The stable error code, for use in scripts."""
        return type(self).__name__

    @property
    def one_line(self) -> str:
        """The message and the hint on one line, with a full stop between them if the message does not end with one.

        A message that shows a text on lines of its own keeps them.
        """
        message = self.message.rstrip()
        if "\n" in message:
            return f"{message}\n{self.hint or ''}".rstrip()
        stop = "" if not self.hint or message.endswith((".", "!", "?", ":", "…")) else "."
        return f"{message}{stop} {self.hint or ''}".strip()

    @property
    def file(self) -> str | None:
        """The file that the error is about, or None."""
        return None if self.location is None else _split_location(self.location)[0]

    @property
    def line(self) -> int | None:
        """The line number in the file that the error is about, or None."""
        return None if self.location is None else _split_location(self.location)[1]

    def add_context(self, context: str) -> None:
        """Prefix the message with its context, such as an entry of a runconfig."""
        self.message = f"{context}: {self.message}"
        self.args = (self.message,)

    def to_record(self) -> dict[str, Any]:
        """Return the code, message, hint, target, file, line and key path of the error, without those that are None."""
        record = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "target": self.target,
            "file": self.file,
            "line": self.line,
            "key_path": self.key_path,
        }
        return {key: value for key, value in record.items() if value is not None}


def _split_location(location: str) -> tuple[str, int | None]:
    """Split a location such as `train.py, line 7` into the file and the line, which is None if not given."""
    file, has_line, number = location.rpartition(", line ")
    return (file, int(number)) if has_line else (location, None)


class InternalError(MlrunError):
    """A bug in mlrun-cli."""
