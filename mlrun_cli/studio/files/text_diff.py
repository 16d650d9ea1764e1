"""Line-by-line differences of texts, limited to what a page can show."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import islice

from mlrun_cli.core.named_tuple import NamedTuple

MAX_BYTES = 256 * 1024
"""Per text."""
_MAX_COMPARED = 10_000
"""Lines per text, since the time of a comparison may grow with their square."""
_MAX_LINES = 5000
_KINDS = {"-": "removed", "+": "added", "@": "head"}


class TextDiff(NamedTuple):
    """The lines with their CSS classes, or why there are none."""

    lines: Sequence[tuple[str, str]] = ()
    is_cut: bool = False
    problem: str = ""


TOO_LONG = TextDiff(problem="The files differ; they are too long to be compared here.")


def diff_text(before: bytes, after: bytes, most_lines: int = _MAX_LINES) -> TextDiff:
    """Compare two texts; those longer than `MAX_BYTES` may be cut there."""
    if any(len(text) > MAX_BYTES or text.count(b"\n") > _MAX_COMPARED for text in (before, after)):
        return TOO_LONG
    if b"\0" in before + after:
        return TextDiff(problem="The files differ; they hold no text.")
    lines = list(islice(_diff_lines(before, after), most_lines + 1))
    return TextDiff(lines[:most_lines], len(lines) > most_lines)


def _diff_lines(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    old, new = (text.decode("utf-8", "replace").split("\n") for text in (before, after))
    # The two header lines would name the files, which the page does.
    for line in islice(difflib.unified_diff(old, new, lineterm=""), 2, None):
        yield _KINDS.get(line[:1], "same"), line
