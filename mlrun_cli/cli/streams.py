"""Preparation of the standard streams before a command, and flushing of them afterwards."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Connect missing standard streams to the null device, and make stdout and stderr accept any character."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, "r" if name == "stdin" else "w", encoding="utf-8"))
    codecs.register_error("mlrun.escape", _escape_unencodable)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    assert isinstance(sys.stderr, io.TextIOWrapper)
    sys.stderr.reconfigure(errors="mlrun.escape")
    if isinstance(sys.stdout.buffer, io.RawIOBase):  # `python -u`: what a short write leaves would be lost
        sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stdout.reconfigure(errors="mlrun.escape")


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    r"""Return JSON escapes such as `\u00e9` for characters that the stream cannot encode, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


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
