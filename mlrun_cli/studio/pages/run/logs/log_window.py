"""Windows of a log, of which only the visible part is read."""

from __future__ import annotations

import os
import re

from markupsafe import Markup

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.studio.pages.run.logs.terminal import Terminal

WINDOW_BYTES = 128 * 1024
_TAIL_LINES = 60
"""The number of lines that later output of a live log may overwrite, as with several progress bars."""
_LINES_BEFORE_MATCH = 60
"""The number of lines above a match, enough to show it in the middle of a tall browser window."""
_SEARCH_PIECE = 1 << 20
_MAX_SEARCHED = 256 << 20
_MAX_OVERWRITTEN = 16 << 20
"""The number of bytes to search backwards for the start of a line that is overwritten repeatedly."""
_RETURN = re.compile(rb"\r(?![\r\n])")


class LogWindow(NamedTuple):
    """Consecutive lines of a log, rendered as markup.

    Attributes:
        start: the offset of the first line.
        end: the offset after the last line.
        size: the size of the whole log, in bytes.
        settled: the lines that later output cannot change.
        tail: the lines that later output may overwrite.
        next_start: the offset from which to read the lines that replace the tail and follow it.
        is_binary: whether the log is not text.
    """

    start: int
    end: int
    size: int
    settled: Markup
    tail: Markup
    next_start: int
    is_binary: bool


class SearchHit(NamedTuple):
    """A text to highlight, and the offset of its current match."""

    text: str
    at: int


class SearchResult(NamedTuple):
    """The result of a search: the offset of the match, or None if there is none before `searched_to`."""

    at: int | None
    searched_to: int


def read_last_window(descriptor: int) -> LogWindow:
    """Read the last lines of a log."""
    return read_window_before(descriptor, os.fstat(descriptor).st_size)


def read_window_before(descriptor: int, end: int, hit: SearchHit | None = None) -> LogWindow:
    """Read the lines before an offset."""
    size = os.fstat(descriptor).st_size
    end = max(0, min(end, size))
    start = max(0, end - WINDOW_BYTES)
    data = _read_range(descriptor, start, end)
    skipped = _find_offset_of_first_line(data) if start else 0
    return _build_window(descriptor, data[skipped:], start + skipped, size, hit)


def read_window_from(descriptor: int, start: int, hit: SearchHit | None = None) -> LogWindow:
    """Read lines starting at an offset, which must be the start of a line."""
    size = os.fstat(descriptor).st_size
    start = max(0, min(start, size))
    data = _read_range(descriptor, start, min(size, start + WINDOW_BYTES))
    if start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    return _build_window(descriptor, data, start, size, hit)


def read_window_around(descriptor: int, hit: SearchHit) -> LogWindow:
    """Read the lines around a search match."""
    start = max(0, hit.at - WINDOW_BYTES // 2)
    before = _read_range(descriptor, start, hit.at)
    skipped = _find_offset_of_last_lines(before, _LINES_BEFORE_MATCH) or (
        _find_offset_of_first_line(before) if start else 0
    )
    return read_window_from(descriptor, start + skipped, hit)


def search_log(descriptor: int, text: str, start: int) -> SearchResult:
    """Search a limited part of a log for the first occurrence of `text` at or after an offset, ignoring case."""
    pattern = text.encode("utf-8", "surrogateescape").lower()
    position = max(0, start)
    limit = position + _MAX_SEARCHED
    overlap = b""
    while position < limit:
        piece = os.pread(descriptor, _SEARCH_PIECE, position)
        if not piece:
            break
        held = overlap + piece
        found = held.lower().find(pattern)
        if found >= 0:
            return SearchResult(position - len(overlap) + found, position)
        position += len(piece)
        overlap = held[-(len(pattern) - 1) :] if len(pattern) > 1 else b""
    return SearchResult(None, position)


def _build_window(descriptor: int, data: bytes, start: int, log_size: int, hit: SearchHit | None) -> LogWindow:
    end = start + len(data)
    tail_at = next_at = len(data)
    if end == log_size:
        tail_at = next_at = _find_offset_of_last_lines(data, _TAIL_LINES)
    elif not data.endswith(b"\n") and (overwritten := data.rfind(b"\r", 0, len(data) - 1) + 1):
        # A progress bar that continues is a single line, of which the next window needs only the last state.
        tail_at, next_at = 0, overwritten
    return LogWindow(
        start=_find_line_start(descriptor, start),
        end=end,
        size=log_size,
        settled=_render_lines(data[:tail_at], start, hit),
        tail=_render_lines(data[tail_at:], start + tail_at, hit),
        next_start=start + next_at,
        is_binary=b"\0" in data[:4096],
    )


def _render_lines(data: bytes, start: int, hit: SearchHit | None) -> Markup:
    if not data:
        return Markup("")
    terminal = _interpret_output(data)
    if hit is not None:
        is_here = start <= hit.at < start + len(data)
        terminal.highlight(hit.text, _interpret_output(data[: hit.at - start]).cursor if is_here else None)
    lines = list(terminal.iterate_lines())
    if lines and not lines[-1]:
        lines.pop()
    return Markup("").join(Markup('<div class="line">{}\n</div>').format(line) for line in lines)


def _interpret_output(data: bytes) -> Terminal:
    """Return a terminal to which part of a log has been written."""
    terminal = Terminal()
    terminal.write(data.decode("utf-8", "replace"))
    return terminal


def _find_offset_of_last_lines(data: bytes, line_count: int) -> int:
    """Return the offset at which the last `line_count` lines begin, or 0 if there are fewer."""
    position = len(data)
    for _ in range(line_count):
        position = data.rfind(b"\n", 0, max(0, position - 1)) + 1
        if position == 0:
            return 0
    return position


def _find_offset_of_first_line(data: bytes) -> int:
    """Return the offset of the first complete line.

    If the text starts with a very long part of a line, return the offset of its first overwritten state, or else of
    its first whole character.
    """
    text_end = len(data.rstrip(b"\r\n"))
    whole = data.find(b"\n", 0, text_end) + 1
    if 0 < whole <= len(data) // 2:
        return whole
    if overwritten := _RETURN.search(data, 0, whole or text_end):
        return overwritten.end()
    return whole or next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)


def _find_line_start(descriptor: int, offset: int) -> int:
    """Return the start of the line at an offset if a carriage return precedes the offset, or else the offset."""
    if os.pread(descriptor, 1, max(0, offset - 1)) != b"\r":
        return offset
    least = max(0, offset - _MAX_OVERWRITTEN)
    while offset > least:
        piece_start = max(least, offset - _SEARCH_PIECE)
        if found := _read_range(descriptor, piece_start, offset).rfind(b"\n") + 1:
            return piece_start + found
        offset = piece_start
    return offset


def _read_range(descriptor: int, start: int, end: int) -> bytes:
    pieces = []
    while start < end and (piece := os.pread(descriptor, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
