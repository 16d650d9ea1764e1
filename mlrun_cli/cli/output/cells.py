"""The width of text in the columns of a terminal."""

from __future__ import annotations

_MARKS = dict.fromkeys(map(ord, "○◌◔◑●◕⊘✓✗‖…"), "?")
"""Characters in human-readable tables, each one column wide."""


def measure_width(text: str) -> int:
    """Return the width of text in terminal columns; a character is zero, one or two columns wide."""
    if text.translate(_MARKS).isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - its tables take long to load

    return cell_len(text)


def fit_width(text: str, width: int) -> str:
    """Return text truncated or padded with spaces to a width in terminal columns."""
    if text.translate(_MARKS).isascii():
        return text[:width].ljust(width)
    from rich.cells import set_cell_size  # noqa: PLC0415 - as above

    return set_cell_size(text, width)
