"""Rendering of results as flat tables: CSV for programs, Markdown for issues, wikis and pull requests.

A list has a row for each item, anything else one row. Nested mappings become columns whose names are joined by dots,
lists become JSON, and null an empty cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.cli.output.cells import measure_width
from mlrun_cli.cli.output.formats import format_strict_json
from mlrun_cli.wire.flat_records import flatten_record, list_columns
from mlrun_cli.wire.run_output import make_printable

_RESULT = "result"
_SPECIAL = re.compile(r"[\\`*<>\[\]|~&]|(?<![^\W_])_|_(?![^\W_])")
"""Characters that Markdown gives a meaning; an underscore within a word has none."""
_LINE_END = re.compile(r"\r\n|\r|\n")


def format_csv(value: object, *, first_columns: Sequence[str] = ()) -> str:
    """Return a result as CSV (RFC 4180) with a header line; an empty list has only the first columns.

    Args:
        value: a JSON-like value; columns of mappings that a query creates keep their order, others are sorted.
        first_columns: the columns that come first, as for `list_columns`.
    """
    columns, rows = _build_columns_and_rows(value, first_columns)
    if not columns:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)  # its dialect has the line ends and quotes of RFC 4180
    writer.writerow(columns)
    writer.writerows([format_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def format_markdown(value: object) -> str:
    """Return a result as a Markdown table, in which a single mapping has a row for each key."""
    if isinstance(value, Mapping):
        flat = flatten_record(value)
        names = list(flat) if isinstance(value, OrderedDict) else sorted(flat)
        shown = [[name, format_cell(flat[name])] for name in names if flat[name] is not None]
        return _format_escaped_table(["key", "value"], shown) if shown else ""
    columns, rows = _build_columns_and_rows(value, ())
    return _format_escaped_table(columns, [[format_cell(row.get(name)) for name in columns] for row in rows])


def format_markdown_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right_aligned: Sequence[bool] | None = None
) -> str:
    """Return a Markdown table with aligned columns, or an empty string without columns.

    Args:
        headings: the headings of the columns, as Markdown.
        rows: the cells of each row, as Markdown.
        right_aligned: whether each column is aligned to the right; None for none of them.
    """
    is_right = right_aligned or [False] * len(headings)
    if not headings:
        return ""
    lines = [headings, *rows]
    widths = [max(3, *(measure_width(line[number]) for line in lines)) for number in range(len(headings))]

    def format_line(cells: Sequence[str]) -> str:
        blanks = [" " * (width - measure_width(cell)) for cell, width in zip(cells, widths, strict=True)]
        padded = [
            blank + cell if to_right else cell + blank
            for cell, blank, to_right in zip(cells, blanks, is_right, strict=True)
        ]
        return f"| {' | '.join(padded)} |\n"

    rule = [
        "-" * (width - 1) + ":" if to_right else "-" * width for width, to_right in zip(widths, is_right, strict=True)
    ]
    return "".join([format_line(lines[0]), format_line(rule), *map(format_line, lines[1:])])


def escape_markdown(text: str) -> str:
    """Return text as a single-line cell of a Markdown table."""
    pieces = _LINE_END.split(text.strip())
    return "<br>".join(_SPECIAL.sub(r"\\\g<0>", make_printable(piece)) for piece in pieces)


def format_cell(value: Any) -> str:
    """Return the text of a value: JSON for lists and booleans, empty for null, and floats with all digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return format_strict_json(list(value), indent=None, ensure_ascii=False)
    return str(value)


def _format_escaped_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of strings, escaping special characters."""
    return format_markdown_table(
        [escape_markdown(heading) for heading in headings], [[escape_markdown(cell) for cell in row] for row in rows]
    )


def _build_columns_and_rows(value: object, first_columns: Sequence[str]) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return the columns and rows of a result."""
    items = value if isinstance(value, list) else [value]
    rows = [_build_row(item) for item in items]
    is_sorted = not any(isinstance(item, OrderedDict | list) for item in items)
    return list_columns(rows, first_columns, is_sorted=is_sorted), rows


def _build_row(item: object) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return flatten_record(item)
    if isinstance(item, list):
        return {f"column{number}": cell for number, cell in enumerate(item, start=1)}
    return {_RESULT: item}
