"""Hunks of a unified diff of two byte strings, in the format of `diff -u`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from mlrun_cli.core.named_tuple import NamedTuple

CONTEXT_LINES = 3
_MOST_COMPARED = 20_000
"""Of more lines between the common beginning and end of the texts, all are replaced: a comparison may take minutes."""
_NO_NEWLINE = b"\\ No newline at end of file\n"

_Opcode = tuple[str, int, int, int, int]


class _Window(NamedTuple):
    """The lines of both texts around their differences, and the number of equal lines before them."""

    old: Sequence[bytes]
    new: Sequence[bytes]
    start: int


def diff_lines(old: bytes, new: bytes) -> Iterator[bytes]:
    """Yield the lines of the hunks that change `old` to `new`, with their newlines; none if they are equal.

    Only a line feed ends a line, so that carriage returns are kept.
    """
    window = _find_window(_split_lines(old), _split_lines(new))
    for group in _group_opcodes(window):
        first, last = group[0], group[-1]
        old_range = _format_range(window.start + first[1], last[2] - first[1])
        new_range = _format_range(window.start + first[3], last[4] - first[3])
        yield f"@@ -{old_range} +{new_range} @@\n".encode("ascii")
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                yield from _add_prefix(b" ", window.old[old_start:old_end])
            else:
                yield from _add_prefix(b"-", window.old[old_start:old_end])
                yield from _add_prefix(b"+", window.new[new_start:new_end])


def is_text(content: bytes) -> bool:
    """Return whether git and diff would treat a content as text, that is, its first 8000 bytes contain no NUL."""
    return b"\0" not in content[:8000]


def _split_lines(text: bytes) -> Sequence[bytes]:
    """Return the lines, including their line feeds."""
    *lines, rest = text.split(b"\n")
    return [*(line + b"\n" for line in lines), *([rest] if rest else [])]


def _find_window(old: Sequence[bytes], new: Sequence[bytes]) -> _Window:
    shortest = min(len(old), len(new))
    start = next((number for number in range(shortest) if old[number] != new[number]), shortest)
    rest = shortest - start
    end = next((number for number in range(rest) if old[-1 - number] != new[-1 - number]), rest)
    start, end = max(0, start - CONTEXT_LINES), max(0, end - CONTEXT_LINES)
    return _Window(old[start : len(old) - end], new[start : len(new) - end], start)


def _group_opcodes(window: _Window) -> Iterator[Sequence[_Opcode]]:
    if window.old == window.new:
        return
    if max(len(window.old), len(window.new)) > _MOST_COMPARED:
        yield [("replace", 0, len(window.old), 0, len(window.new))]
        return
    yield from SequenceMatcher(None, window.old, window.new).get_grouped_opcodes(CONTEXT_LINES)


def _format_range(start: int, length: int) -> str:
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _add_prefix(sign: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield sign + line
        if not line.endswith(b"\n"):
            yield b"\n"
            yield _NO_NEWLINE
