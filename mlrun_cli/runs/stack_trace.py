"""Stack traces of Python scripts, shortened to the frames of the user's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_FRAME = re.compile(r'  File "(?P<path>[^"\n]+)", line \d+')
_LIBRARY = re.compile(r"^<frozen |/(?:site|dist)-packages/|/lib(?:64)?/python\d[\d.]*/")


def shorten_stack_trace(trace: str) -> str:
    """Return a stack trace in which each series of library frames is replaced with a line that states their number."""
    kept: list[str] = []
    skipped = 0
    for block in _split_frames(trace.splitlines()):
        frame = _FRAME.match(block[0])
        if frame is not None and _LIBRARY.search(frame["path"]):
            skipped += 1
            # What follows a frame is its code, indented; the exception itself begins the line.
            shown = [line for line in block[1:] if not line.startswith("    ")]
        else:
            shown = block
        if shown and skipped:
            kept.append(f"  ({skipped} {'frame' if skipped == 1 else 'frames'} of libraries)")
            skipped = 0
        kept += shown
    return "\n".join(kept)


def _split_frames(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines before the first frame, then each frame with the lines that follow it."""
    block: list[str] = []
    for line in lines:
        if _FRAME.match(line) and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block
