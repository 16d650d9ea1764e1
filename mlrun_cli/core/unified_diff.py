"""Hunks of a unified diff of two byte strings, in the format of `diff -u`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun_cli.core.line_changes import LineChange, list_changes
from mlrun_cli.core.named_tuple import NamedTuple

CONTEXT_LINES = 3
_NO_NEWLINE = b"\n\\ No newline at end of file"


class UnifiedDiff(NamedTuple):
    """The hunks that change a text to another, and the numbers of added and removed lines in them."""

    hunks: bytes = b""
    added_lines: int = 0
    removed_lines: int = 0


def build_diff(old: bytes, new: bytes) -> UnifiedDiff:
    """Return the difference between two texts, without hunks if they are equal.

    Only a line feed ends a line, so that carriage returns are kept.
    """
    old_lines, new_lines = _split_lines(old), _split_lines(new)
    changes = list_changes(old_lines, new_lines)
    pieces: list[bytes] = []
    for group in _group_changes(changes):
        _add_hunk(pieces, group, old_lines, new_lines)
    added = sum(change.new_end - change.new_start for change in changes)
    removed = sum(change.old_end - change.old_start for change in changes)
    return UnifiedDiff(b"\n".join([*pieces, b""]), added, removed)


def is_text(content: bytes) -> bool:
    """Return whether git and diff would treat content as text, that is, its first 8000 bytes contain no NUL."""
    return b"\0" not in content[:8000]


def _split_lines(text: bytes) -> Sequence[bytes]:
    """Return the lines without their line feeds; a last line without one is marked as in a diff."""
    lines = text.split(b"\n")
    last = lines.pop()
    return [*lines, last + _NO_NEWLINE] if last else lines


def _group_changes(changes: Sequence[LineChange]) -> Iterator[Sequence[LineChange]]:
    """Yield the changes grouped into hunks: changes with overlapping context lines are in the same hunk."""
    group: list[LineChange] = []
    for change in changes:
        if group and change.old_start - group[-1].old_end > 2 * CONTEXT_LINES:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _add_hunk(pieces: list[bytes], group: Sequence[LineChange], old: Sequence[bytes], new: Sequence[bytes]) -> None:
    """Append the text of a hunk to the pieces of a diff."""
    first, last = group[0], group[-1]
    before = min(CONTEXT_LINES, first.old_start)
    after = min(CONTEXT_LINES, len(old) - last.old_end)
    old_range = _format_range(first.old_start - before, last.old_end + after)
    new_range = _format_range(first.new_start - before, last.new_end + after)
    pieces.append(f"@@ -{old_range} +{new_range} @@".encode("ascii"))
    at = first.old_start - before
    for change in group:
        _add_lines(pieces, b" ", old[at : change.old_start])
        _add_lines(pieces, b"-", old[change.old_start : change.old_end])
        _add_lines(pieces, b"+", new[change.new_start : change.new_end])
        at = change.old_end
    _add_lines(pieces, b" ", old[at : at + after])


def _add_lines(pieces: list[bytes], sign: bytes, lines: Sequence[bytes]) -> None:
    if lines:
        pieces.append(sign + (b"\n" + sign).join(lines))


def _format_range(start: int, end: int) -> str:
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"
