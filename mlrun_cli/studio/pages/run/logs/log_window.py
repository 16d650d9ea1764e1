"""A part of a log: never more of it is read than is shown, however long it is."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from markupsafe import Markup

from mlrun_cli.studio.pages.run.logs.terminal import Terminal

WINDOW_BYTES = 128 * 1024
_TAIL_LINES = 60
"""Lines that a live log's next piece may still write over, as the bars of several downloads do."""
_LINES_BEFORE_MATCH = 60
"""So many that what was found can stand in the middle of a high window."""
_SEARCH_PIECE = 1 << 20
_MOST_SEARCHED = 256 << 20
_MOST_WRITTEN_OVER = 16 << 20
"""How far back the beginning is looked for of a line that is written over again and again."""
_RETURN = re.compile(rb"\r(?![\r\n])")


class LogWindow(NamedTuple):
    """Some lines of a log.

    Attributes:
        start: the byte that the first line begins at.
        end: the byte behind the last line.
        size: of the whole log, in bytes.
        settled: what will not change by what comes behind it.
        tail: what may still be written over.
        next_start: the byte from which on the lines are that take the place of the tail and follow it.
        is_binary: it looks like no text at all.
    """

    start: int
    end: int
    size: int
    settled: Markup
    tail: Markup
    next_start: int
    is_binary: bool


class Sought(NamedTuple):
    """A text to be marked wherever it stands, and as the one that was found where it stands at a byte."""

    text: str
    at: int


class Match(NamedTuple):
    """Where a text was found; `at` is None where it was not, up to `searched_to`."""

    at: int | None
    searched_to: int


def last_window(descriptor: int) -> LogWindow:
    """The end of a log."""
    return window_before(descriptor, os.fstat(descriptor).st_size)


def window_before(descriptor: int, end: int, sought: Sought | None = None) -> LogWindow:
    """The lines that end at a byte."""
    size = os.fstat(descriptor).st_size
    end = max(0, min(end, size))
    start = max(0, end - WINDOW_BYTES)
    data = _read(descriptor, start, end)
    skipped = _first_line_start(data) if start else 0
    return _window(descriptor, data[skipped:], start + skipped, size, sought)


def window_from(descriptor: int, start: int, sought: Sought | None = None) -> LogWindow:
    """The lines from a byte on, which is known to begin one."""
    size = os.fstat(descriptor).st_size
    start = max(0, min(start, size))
    data = _read(descriptor, start, min(size, start + WINDOW_BYTES))
    if start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    return _window(descriptor, data, start, size, sought)


def window_around(descriptor: int, sought: Sought) -> LogWindow:
    """The lines around what was found, some of which come before it."""
    start = max(0, sought.at - WINDOW_BYTES // 2)
    before = _read(descriptor, start, sought.at)
    skipped = _last_lines_start(before, _LINES_BEFORE_MATCH) or (_first_line_start(before) if start else 0)
    return window_from(descriptor, start + skipped, sought)


def find(descriptor: int, text: str, start: int) -> Match:
    """The next place, at or behind a byte, that holds a text in upper or lower case."""
    wanted = text.encode("utf-8", "surrogateescape").lower()
    position = max(0, start)
    limit = position + _MOST_SEARCHED
    overlap = b""
    while position < limit:
        piece = os.pread(descriptor, _SEARCH_PIECE, position)
        if not piece:
            break
        held = overlap + piece
        found = held.lower().find(wanted)
        if found >= 0:
            return Match(position - len(overlap) + found, position)
        position += len(piece)
        overlap = held[-(len(wanted) - 1) :] if len(wanted) > 1 else b""
    return Match(None, position)


def _window(descriptor: int, data: bytes, start: int, size: int, sought: Sought | None) -> LogWindow:
    end = start + len(data)
    tail_at = next_at = len(data)
    if end == size:
        tail_at = next_at = _last_lines_start(data, _TAIL_LINES)
    elif not data.endswith(b"\n") and (written_over := data.rfind(b"\r", 0, len(data) - 1) + 1):
        # A progress bar that goes on: all of it is one line, and what follows needs no more than its last state.
        tail_at, next_at = 0, written_over
    return LogWindow(
        start=_line_start(descriptor, start),
        end=end,
        size=size,
        settled=_shown(data[:tail_at], start, sought),
        tail=_shown(data[tail_at:], start + tail_at, sought),
        next_start=start + next_at,
        is_binary=b"\0" in data[:4096],
    )


def _shown(data: bytes, start: int, sought: Sought | None) -> Markup:
    if not data:
        return Markup("")
    terminal = _printed(data)
    if sought is not None:
        is_here = start <= sought.at < start + len(data)
        terminal.mark(sought.text, _printed(data[: sought.at - start]).cursor if is_here else None)
    lines = list(terminal.lines())
    if lines and not lines[-1]:
        lines.pop()
    return Markup("").join(Markup('<div class="line">{}\n</div>').format(line) for line in lines)


def _printed(data: bytes) -> Terminal:
    terminal = Terminal()
    terminal.feed(data.decode("utf-8", "replace"))
    return terminal


def _last_lines_start(data: bytes, count: int) -> int:
    """Where the last so many lines begin."""
    position = len(data)
    for _ in range(count):
        position = data.rfind(b"\n", 0, max(0, position - 1)) + 1
        if position == 0:
            return 0
    return position


def _first_line_start(data: bytes) -> int:
    """Where the first whole line begins; of a very long one, where it is written over, or else a character."""
    text_end = len(data.rstrip(b"\r\n"))
    whole = data.find(b"\n", 0, text_end) + 1
    if 0 < whole <= len(data) // 2:
        return whole
    if written_over := _RETURN.search(data, 0, whole or text_end):
        return written_over.end()
    return whole or next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)


def _line_start(descriptor: int, start: int) -> int:
    """Where the line began whose last state begins at a byte: what is between has been written over."""
    if os.pread(descriptor, 1, max(0, start - 1)) != b"\r":
        return start
    least = max(0, start - _MOST_WRITTEN_OVER)
    while start > least:
        piece_start = max(least, start - _SEARCH_PIECE)
        if found := _read(descriptor, piece_start, start).rfind(b"\n") + 1:
            return piece_start + found
        start = piece_start
    return start


def _read(descriptor: int, start: int, end: int) -> bytes:
    pieces = []
    while start < end and (piece := os.pread(descriptor, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
