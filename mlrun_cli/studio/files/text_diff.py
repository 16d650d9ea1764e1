"""How one text differs from another, line by line, within bounds that a page can hold."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

MOST_BYTES = 256 * 1024
"""Of a text that is compared."""
_MOST_COMPARED = 10_000
"""Lines of a text: those of hostile ones take a time that grows with their square."""
_MOST_LINES = 5000
_KINDS = {"-": "removed", "+": "added", "@": "head"}


class TextDifference(NamedTuple):
    """The lines, each behind the class it is shown with; or why there are none."""

    lines: Sequence[tuple[str, str]] = ()
    is_cut: bool = False
    problem: str = ""


TOO_LONG = TextDifference(problem="The files differ; they are too long to be compared here.")


def text_difference(before: bytes, after: bytes, most_lines: int = _MOST_LINES) -> TextDifference:
    """Compare two texts; one that is longer than `MOST_BYTES` may have been cut there."""
    if any(len(text) > MOST_BYTES or text.count(b"\n") > _MOST_COMPARED for text in (before, after)):
        return TOO_LONG
    if b"\0" in before + after:
        return TextDifference(problem="The files differ; they hold no text.")
    lines = list(islice(_compared(before, after), most_lines + 1))
    return TextDifference(lines[:most_lines], len(lines) > most_lines)


def _compared(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    old, new = (text.decode("utf-8", "replace").split("\n") for text in (before, after))
    # The two lines that would name the files stand above them on the page.
    for line in islice(difflib.unified_diff(old, new, lineterm=""), 2, None):
        yield _KINDS.get(line[:1], "same"), line
