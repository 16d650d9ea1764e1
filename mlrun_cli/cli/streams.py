"""Preparation of the standard streams before a command, and flushing of them afterwards."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _MessageFile(io.FileIO):
    """The file of stderr: what it cannot take is lost, and ends no command, whose work and result it only describes.

    A reader that has gone away ends the command, as one of stdout does.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError:  # a full disk, a terminal that is gone
            return memoryview(data).nbytes


def prepare_streams() -> None:
    """Connect missing standard streams to the null device, and make stdout and stderr accept any character.

    From then on, messages that stderr cannot take are lost instead of an error.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))
    codecs.register_error("mlrun.escape", _escape_unencodable)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    assert isinstance(sys.stderr, io.TextIOWrapper)
    messages = io.BufferedWriter(_MessageFile(sys.stderr.fileno(), "w", closefd=False))
    sys.stderr = io.TextIOWrapper(messages, sys.stderr.encoding, "mlrun.escape", line_buffering=True)
    if isinstance(sys.stdout.buffer, io.RawIOBase):  # `python -u`: what a short write leaves would be lost
        sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stdout.reconfigure(errors="mlrun.escape")


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    r"""Return JSON escapes such as `\u00e9` for characters that the stream cannot encode, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


@contextmanager
def naming_output() -> Iterator[None]:
    """Let errors of the operating system in the block that name no file say that it is the output which fails."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            error.filename = "the output of this command"
        raise


def flush_streams() -> None:
    """Flush stdout and stderr, discarding output that cannot be written, so that no error appears at exit."""
    for stream in (sys.stdout, sys.stderr):
        _flush_or_discard(stream)


def _flush_or_discard(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
