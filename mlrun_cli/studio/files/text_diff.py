"""Line-by-line differences of texts, with limits on the lengths of the texts and of the result."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import islice

from mlrun_cli.core.named_tuple import NamedTuple

MAX_BYTES = 256 * 1024
"""The maximum length of each text."""
_MAX_COMPARED = 10_000
"""The maximum number of lines of each text; the time of a comparison may grow quadratically."""
_MAX_LINES = 5000
_KINDS = {"-": "removed", "+": "added", "@": "head"}


class TextDiff(NamedTuple):
    """The lines of a diff, each as a CSS class and a text, or the reason why there are none."""

    lines: Sequence[tuple[str, str]] = ()
    is_cut: bool = False
    problem: str = ""


TOO_LONG = TextDiff(problem="The files differ; they are too long to be compared here.")
NOT_TEXT = TextDiff(problem="The files differ; they hold no text.")
SAME = TextDiff(problem="Both runs have the same file.")


def diff_text(before: bytes, after: bytes, max_lines: int = _MAX_LINES) -> TextDiff:
    """Return up to `max_lines` lines of the unified diff of two texts, or no lines if a text is too long or binary."""
    if any(len(text) > MAX_BYTES or text.count(b"\n") > _MAX_COMPARED for text in (before, after)):
        return TOO_LONG
    if b"\0" in before + after:
        return NOT_TEXT
    lines = list(islice(_diff_lines(before, after), max_lines + 1))
    return TextDiff(lines[:max_lines], len(lines) > max_lines)


def _diff_lines(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    old, new = (text.decode("utf-8", "replace").split("\n") for text in (before, after))
    # The two header lines are skipped: the page itself shows the names of the files.
    for line in islice(difflib.unified_diff(old, new, lineterm=""), 2, None):
        yield _KINDS.get(line[:1], "same"), line
