"""The last lines of a log, also as a terminal would show them."""

from __future__ import annotations

import os
import re

_TAIL_BYTES = 1 << 16
_PIECE_BYTES = 1 << 18
_MAX_LETTERS = 500
_STYLE = r"\x1b\[[0-9;]*[A-Za-z]"
"""An escape sequence for colours and other formatting on a terminal."""


def read_tail(path: os.PathLike[str], start_offset: int = 0) -> str:
    """Return the text of a file from an offset on, at most its last 64 KiB, or an empty string if it is unreadable."""
    try:
        with open(path, "rb") as file:
            file.seek(max(start_offset, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def remove_overwritten_text(line: str) -> str:
    """Return a line as a terminal shows it, for example with only the last state of a progress bar."""
    return line.rstrip("\r").rpartition("\r")[2]


def shorten_line(line: str) -> str:
    """Return a line, or its beginning and an ellipsis if it is too long for a page or a message."""
    return line if len(line) <= _MAX_LETTERS else f"{line[:_MAX_LETTERS]}…"


def remove_styles(text: str) -> str:
    """Return text without the escape sequences that format it on a terminal."""
    return re.sub(_STYLE, "", text)


def find_last_lines(descriptor: int, line_count: int) -> tuple[int, int]:
    """Return the offset of a file's last `line_count` lines, and their number, which may be smaller.

    A last line without a line feed counts. The file is read backwards, as far as needed.
    """
    end = os.fstat(descriptor).st_size
    if not line_count or not end:
        return end, 0
    ends_line = os.pread(descriptor, 1, end - 1) == b"\n"
    wanted = line_count + ends_line
    found = 0
    while end:
        start = max(0, end - _PIECE_BYTES)
        piece = os.pread(descriptor, end - start, start)
        feeds = piece.count(b"\n")
        if found + feeds >= wanted:
            at = len(piece)
            for _ in range(wanted - found):
                at = piece.rfind(b"\n", 0, at)
            return start + at + 1, line_count
        found += feeds
        end = start
    return 0, found + (not ends_line)
