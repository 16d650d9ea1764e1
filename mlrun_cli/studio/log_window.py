"""A part of a log: never more of it is read than is shown, however long it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from mlrun_cli.studio.terminal import Terminal

WINDOW_BYTES = 128 * 1024
_TAIL_LINES = 60
"""Lines that a live log's next piece may still write over, as the bars of several downloads do."""
_SEARCH_PIECE = 1 << 20
_MOST_SEARCHED = 256 << 20


class LogWindow(NamedTuple):
    """Some lines of a log.

    Attributes:
        start: the byte that the first line begins at.
        end: the byte behind the last line.
        size: of the whole log, in bytes.
        settled: what will not change when the log grows.
        tail: what may still be written over.
        tail_start: the byte that the tail begins at.
        is_binary: it looks like no text at all.
    """

    start: int
    end: int
    size: int
    settled: Markup
    tail: Markup
    tail_start: int
    is_binary: bool


class Match(NamedTuple):
    """Where a text was found; `at` is None where it was not, up to `searched_to`."""

    at: int | None
    searched_to: int


def last_window(descriptor: int) -> LogWindow:
    """The end of a log."""
    return window_before(descriptor, os.fstat(descriptor).st_size)


def window_before(descriptor: int, end: int) -> LogWindow:
    """The lines that end at a byte."""
    size = os.fstat(descriptor).st_size
    end = max(0, min(end, size))
    start = max(0, end - WINDOW_BYTES)
    data = _read(descriptor, start, end)
    skipped = _first_line_start(data) if start else 0
    return _window(data[skipped:], start + skipped, size)


def window_from(descriptor: int, start: int) -> LogWindow:
    """The lines from a byte on, which is known to begin one."""
    size = os.fstat(descriptor).st_size
    start = max(0, min(start, size))
    data = _read(descriptor, start, min(size, start + WINDOW_BYTES))
    if start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    return _window(data, start, size)


def window_around(descriptor: int, position: int) -> LogWindow:
    """The lines around a byte, a few of which come before it."""
    before = window_before(descriptor, position)
    data = _read(descriptor, before.start, position)
    starts = [before.start, *(before.start + at + 1 for at, byte in enumerate(data) if byte == 0x0A)]
    return window_from(descriptor, starts[-min(len(starts), 8)])


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


def marked(line: Markup, text: str) -> Markup:
    """The line's markup with what was searched for marked, where no change of colour goes through it."""
    needle = str(escape(text)).lower()
    pieces = []
    for piece in _between_tags(str(line)):
        if piece.startswith("<"):
            pieces.append(piece)
            continue
        lowered = piece.lower()
        at = 0
        while len(lowered) == len(piece) and (found := lowered.find(needle, at)) >= 0:
            pieces += [piece[at:found], "<mark>", piece[found : found + len(needle)], "</mark>"]
            at = found + len(needle)
        pieces.append(piece[at:])
    return Markup("".join(pieces))  # noqa: S704 — it was markup before


def _between_tags(markup: str) -> Sequence[str]:
    pieces = []
    at = 0
    while (opened := markup.find("<", at)) >= 0:
        closed = markup.find(">", opened) + 1
        pieces += [markup[at:opened], markup[opened:closed]]
        at = closed
    return [*pieces, markup[at:]]


def _window(data: bytes, start: int, size: int) -> LogWindow:
    end = start + len(data)
    tail_start = _tail_start(data) if end == size else len(data)
    settled, tail = data[:tail_start], data[tail_start:]
    is_binary = b"\0" in data[:4096]
    return LogWindow(start, end, size, _shown(settled), _shown(tail), start + tail_start, is_binary)


def _shown(data: bytes) -> Markup:
    if not data:
        return Markup("")
    terminal = Terminal()
    terminal.feed(data.decode("utf-8", "replace"))
    lines = list(terminal.lines())
    if lines and not lines[-1]:
        lines.pop()
    return Markup("").join(Markup('<div class="line">{}\n</div>').format(line) for line in lines)


def _tail_start(data: bytes) -> int:
    position = len(data)
    for _ in range(_TAIL_LINES):
        position = data.rfind(b"\n", 0, max(0, position - 1)) + 1
        if position == 0:
            return 0
    return position


def _first_line_start(data: bytes) -> int:
    """Where the first whole line begins; a part of a very long one begins at a character."""
    for end in (b"\n", b"\r"):
        found = data.find(end)
        if found >= 0 and data[found + 1 :].strip(b"\r\n"):
            return found + 1
    return next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)


def _read(descriptor: int, start: int, end: int) -> bytes:
    pieces = []
    while start < end and (piece := os.pread(descriptor, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
