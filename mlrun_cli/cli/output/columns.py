"""Human-readable tables, printed as wide as the terminal, or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import TextIO

from mlrun_cli.cli.output.cells import fit_width, measure_width
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.wire.run_output import make_printable

GAP = "  "
_MARK = "*"
_MARK_STYLE = "bold green"
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""What terminals are told, keyed by word of a style."""

Narrowing = Sequence[tuple[str, int]]
"""Headings of columns in the order in which they are narrowed, with their minimum widths; 0 leaves a column out."""


class TableColumn:
    """A column of a table, as wide as its widest cell unless narrowed; width 0 omits it.

    Attributes:
        heading: its heading.
        cells: its cells.
        is_right: whether cells are aligned to the right.
        keeps_end: whether a cell that is too long is cut at its start instead of its end.
        marked: the numbers of the cells that are emphasized, in bold or by an asterisk.
        width: the width that it gets.
        widest: the width of its widest cell.
    """

    __slots__ = ("cells", "heading", "is_right", "keeps_end", "marked", "widest", "width")

    def __init__(
        self,
        heading: str,
        cells: Sequence[str],
        *,
        is_right: bool = False,
        keeps_end: bool = False,
        marked: Set[int] = frozenset(),
    ) -> None:
        self.heading = heading
        self.cells = cells
        self.is_right = is_right
        self.keeps_end = keeps_end
        self.marked = marked
        self.width = 0
        self.widest = 0


class Layout(NamedTuple):
    """A table, independent of its width.

    Attributes:
        columns: columns with different headings and the same number of cells; these may contain any text.
        narrowings: ways to narrow the table if it is too wide, such as around ids, which are copied whole; the first
            after which it fits is used, or else the last.
        repeating: the columns to narrow before those if all their cells are the same.
        styles: the styles of the first column's cells, such as `bold cyan`.
        widest: the maximum width where the output has none; None for no limit.
    """

    columns: Sequence[TableColumn]
    narrowings: Sequence[Narrowing]
    repeating: Narrowing = ()
    styles: Sequence[str] = ()
    widest: int | None = None


def render_layout(layout: Layout, *, encoding: str, width: int | None, colour: bool) -> str:
    """Return a table with headings, narrowed to fit the width, or an empty string without rows.

    Args:
        layout: the table; its columns are changed.
        encoding: the encoding of the output; characters that it lacks are replaced by `?`.
        width: the width of the output; None if it has none.
        colour: whether to style the headings, the first column and marked cells; without, these have an asterisk.
    """
    if not layout.columns or not layout.columns[0].cells:
        return ""
    columns = layout.columns
    for column in columns:
        column.cells = [_make_encodable(text, encoding) for text in column.cells]
        if not colour:
            column.cells = _mark_cells(column)
        column.width = column.widest = max(
            map(measure_width, [_make_encodable(column.heading, encoding), *column.cells])
        )
    most = layout.widest if width is None else width
    if most is not None:
        for narrowing in layout.narrowings:
            columns = _narrow_columns(layout.columns, most, layout.repeating, narrowing)
            if _measure_free_width(columns, most) >= 0:
                break
    dots = "…" if can_encode("…", encoding) else "..."
    lines = []
    for number in range(len(columns[0].cells) + 1):
        texts = [
            _fit_cell(column.cells[number - 1] if number else _make_encodable(column.heading, encoding), column, dots)
            for column in columns
        ]
        line = GAP.join(texts).rstrip()
        if colour and number == 0:
            line = _style_text(line, "bold")
        elif colour:
            styles = {0: layout.styles[number - 1]} if layout.styles else {}
            styles |= {place: _MARK_STYLE for place, column in enumerate(columns) if number - 1 in column.marked}
            line = _style_cells(line, texts, styles)
        lines.append(f"{line}\n")
    return "".join(lines)


def _make_encodable(text: str, encoding: str) -> str:
    """Return text without control characters and without characters that the encoding lacks."""
    return make_printable(text).encode(encoding, "replace").decode(encoding)


def _style_cells(line: str, texts: Sequence[str], styles: Mapping[int, str]) -> str:
    """Return a line of a table with ANSI styles applied to its cells.

    Args:
        line: the line, of which blanks at the end were left out.
        texts: the texts of its cells.
        styles: styles, keyed by position of the cell.
    """
    parts, start = [], 0
    for place, text in enumerate(texts):
        end = start + len(text)
        parts += [_style_text(line[start:end], styles.get(place, "")), line[end : end + len(GAP)]]
        start = end + len(GAP)
    return "".join(parts)


def _style_text(text: str, style: str) -> str:
    return f"\033[{';'.join(map(_CODES.__getitem__, style.split()))}m{text}\033[0m" if text and style else text


def _fit_cell(text: str, column: TableColumn, ellipsis: str) -> str:
    """Return the text of a cell, truncated or padded to the width of its column."""
    excess = measure_width(text) - column.width
    if excess > 0:
        if column.width <= len(ellipsis):  # a status is then its glyph
            return fit_width(text, column.width)
        room = column.width - len(ellipsis)
        cut = ellipsis + _truncate_start(text, room) if column.keeps_end else fit_width(text, room) + ellipsis
        return fit_width(cut, column.width)
    return " " * -excess + text if column.is_right else text + " " * -excess


def print_layout(layout: Layout, *, file: TextIO, width: int | None, colour: bool) -> None:
    """Print a table to a file, as rendered by `render_layout`."""
    file.write(render_layout(layout, encoding=file.encoding or "ascii", width=width, colour=colour))


def print_layout_as_markdown(layout: Layout, *, file: TextIO) -> None:
    """Print a table as Markdown, with marked cells in bold; without rows, print nothing."""
    from mlrun_cli.cli.output.flat_formats import escape_markdown, format_markdown_table  # noqa: PLC0415

    columns = layout.columns
    if not columns or not columns[0].cells:
        return

    def format_row(row: int) -> list[str]:
        texts = [escape_markdown(column.cells[row]) for column in columns]
        return [
            f"**{text}**" if row in column.marked and text else text
            for text, column in zip(texts, columns, strict=True)
        ]

    file.write(
        format_markdown_table(
            [escape_markdown(column.heading) for column in columns],
            [format_row(row) for row in range(len(columns[0].cells))],
            [column.is_right for column in columns],
        )
    )


def format_local_time(timestamp: str | None) -> str:
    """Return a record's timestamp in local time, to the minute, or an empty string for None."""
    return "" if timestamp is None else parse_timestamp(timestamp).astimezone().strftime("%Y-%m-%d %H:%M")


def localize_times(text: str) -> str:
    """Return text with the timestamps of records in local time, to the minute, and other times unchanged."""

    def localize(found: re.Match[str]) -> str:
        try:
            return format_local_time(found[0])
        except ValueError:  # an engine writes times in its own way
            return found[0]

    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", localize, text)


def parse_timestamp(text: str) -> datetime:
    """Return the datetime of a record's timestamp."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def can_encode(text: str, encoding: str) -> bool:
    """Return whether an encoding can represent all characters of a string."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _mark_cells(column: TableColumn) -> Sequence[str]:
    """Return a column's cells with an asterisk after marked ones and, if right-aligned, a space after others."""
    if not column.marked:
        return column.cells
    blank = " " if column.is_right else ""
    return [text + (_MARK if number in column.marked else blank) for number, text in enumerate(column.cells)]


def _narrow_columns(
    columns: Sequence[TableColumn], width: int, narrowing_of_constant_columns: Narrowing, narrowing: Narrowing
) -> list[TableColumn]:
    """Narrow or leave out columns, first those whose cells are all equal, to fit the table into `width`.

    Columns that were left out at the end, and fit once a wide one is out too, are put back.
    """
    by_heading = {column.heading: column for column in columns}
    for each in columns:
        each.width = each.widest
    alike = [(heading, to) for heading, to in narrowing_of_constant_columns if len(set(by_heading[heading].cells)) == 1]
    left_out: list[tuple[TableColumn, int]] = []
    for heading, narrowest in (*alike, *narrowing):
        excess = -_measure_free_width(columns, width)
        if excess <= 0:
            break
        column = by_heading.get(heading)
        if column is None or column.width == 0:
            continue
        left_out = [*left_out, (column, column.width)] if narrowest == 0 else []
        column.width = max(column.width - excess, min(column.width, narrowest)) if narrowest else 0
    for column, narrow in reversed(left_out):
        if _measure_free_width(columns, width) >= len(GAP) + narrow:
            column.width = narrow
    for column in columns:
        if 0 < column.width < column.widest:
            column.width = min(column.widest, column.width + max(0, _measure_free_width(columns, width)))
    return [column for column in columns if column.width]


def _measure_free_width(columns: Sequence[TableColumn], width: int) -> int:
    """Return the width that the table leaves unused; negative if the table is too wide."""
    kept = [column.width for column in columns if column.width]
    return width - sum(kept) - len(GAP) * (len(kept) - 1)


def _truncate_start(text: str, width: int) -> str:
    """Return the longest suffix of a string that is at most `width` columns wide."""
    while measure_width(text) > width:
        text = text[1:]
    return text
