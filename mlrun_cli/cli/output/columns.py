"""Printing of tables for people, fitted to the width of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import TextIO

from mlrun_cli.wire.run_output import make_printable

GAP = "  "

Narrowing = Sequence[tuple[str, int]]
"""Headings of columns in the order in which they are narrowed, with their minimum widths; 0 leaves a column out."""


@dataclass(slots=True)
class Column:
    """A column of a table, as wide as its widest cell unless narrowed; width 0 omits it.

    Attributes:
        is_right: whether cells are aligned to the right.
        keeps_end: whether a cell that is too long is cut at its start instead of its end.
    """

    heading: str
    cells: Sequence[str]
    is_right: bool = False
    keeps_end: bool = False
    width: int = 0
    widest: int = 0


def print_columns(
    columns: Sequence[Column],
    *,
    file: TextIO,
    width: int | None,
    colour: bool,
    narrowing: Narrowing,
    repeating: Narrowing = (),
    styles: Sequence[str] = (),
) -> None:
    """Print a table of columns below their headings, narrowed to fit the width.

    Args:
        columns: columns with the same number of cells; a cell may contain any text.
        file: the output; characters that its encoding lacks are replaced by `?`.
        width: the maximum width of the table; None for no limit.
        colour: whether to style the headings and the first column.
        narrowing: the columns to narrow if the table is too wide.
        repeating: the columns to narrow before those if all their cells are the same.
        styles: the styles of the first column's cells.
    """
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    encoding = file.encoding or "ascii"
    for column in columns:
        column.cells = [make_printable(text).encode(encoding, "replace").decode(encoding) for text in column.cells]
        column.width = column.widest = max(map(cell_len, [column.heading, *column.cells]))
    if width is not None:
        columns = _narrow_columns(columns, width, repeating, narrowing)
    dots = "…" if can_encode("…", encoding) else "..."

    def fit_text(text: str, column: Column) -> str:
        if cell_len(text) > column.width:
            room = max(0, column.width - len(dots))
            cut = dots + _cut_start(text, room) if column.keeps_end else set_cell_size(text, room) + dots
            return set_cell_size(cut, column.width)
        blank = " " * (column.width - cell_len(text))
        return blank + text if column.is_right else text + blank

    # Not to the file itself: where the other end of a pipe is gone, the console would exit in its own way.
    printed = StringIO()
    console = Console(file=printed, color_system="standard" if colour else None, force_terminal=colour)
    for number in range(len(columns[0].cells) + 1):
        texts = [fit_text([column.heading, *column.cells][number], column) for column in columns]
        line = Text(GAP.join(texts).rstrip())
        style = "bold" if number == 0 else (styles[number - 1] if styles else "")
        line.stylize(style, 0, None if number == 0 else len(texts[0]))
        console.print(line, soft_wrap=True, highlight=False)
    file.write(printed.getvalue())


def format_local_time(moment: str | None) -> str:
    """Return a record's timestamp in local time, to the minute, or an empty string for None."""
    return "" if moment is None else parse_timestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def parse_timestamp(text: str) -> datetime:
    """Return the datetime of a record's timestamp."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def can_encode(text: str, encoding: str) -> bool:
    """Return whether an encoding can represent all characters of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _narrow_columns(columns: Sequence[Column], width: int, repeating: Narrowing, narrowing: Narrowing) -> list[Column]:
    """Narrow or omit columns to fit the table into `width`, and return the remaining columns."""
    by_heading = {column.heading: column for column in columns}
    alike = [(heading, to) for heading, to in repeating if len(set(by_heading[heading].cells)) == 1]
    for heading, narrowest in (*alike, *narrowing):
        excess = -_measure_free_width(columns, width)
        if excess <= 0:
            break
        column = by_heading.get(heading)
        if column is None:
            continue
        column.width = max(column.width - excess, min(column.width, narrowest)) if narrowest else 0
    for column in columns:
        if 0 < column.width < column.widest:
            column.width = min(column.widest, column.width + max(0, _measure_free_width(columns, width)))
    return [column for column in columns if column.width]


def _measure_free_width(columns: Sequence[Column], width: int) -> int:
    """Return the width that the table leaves unused; negative if the table is too wide."""
    kept = [column.width for column in columns if column.width]
    return width - sum(kept) - len(GAP) * (len(kept) - 1)


def _cut_start(text: str, width: int) -> str:
    """Return the longest end of a text that is no more than `width` columns wide."""
    from rich.cells import cell_len  # noqa: PLC0415

    while cell_len(text) > width:
        text = text[1:]
    return text
