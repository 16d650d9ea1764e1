"""`list -o table` of nouns: what a person looks for in their records, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from mlrun_cli.cli.command import Result
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.core.named_tuple import NamedTuple

Record = Mapping[str, Any]

_WIDEST = 160
"""Width in columns where stdout is no terminal."""


class Field(NamedTuple):
    """A column of such a table.

    Attributes:
        heading: above it.
        cell: the key of what stands in it, or what makes a text of a record.
        narrowest: how narrow it may become before any column is left out.
        keeps_end: whether a cell that is too long loses its beginning.
    """

    heading: str
    cell: str | Callable[[Record], str]
    narrowest: int = 8
    keeps_end: bool = False

    def format(self, record: Record) -> str:
        """Return the cell of a record."""
        value = record.get(self.cell) if isinstance(self.cell, str) else self.cell(record)
        return "" if value is None else str(value)


def build_listing(shared: GlobalOptions, records: Sequence[Record], fields: Sequence[Field], *, nothing: str) -> Result:
    """Return records, with their table for people.

    Where there is too little room, columns become narrower and then go, from the last on; the first stays.

    Args:
        shared: what was typed.
        records: what is printed in all other formats.
        fields: of the table.
        nothing: what stderr says where a table would have no lines.
    """
    if not records and shared.is_for_people:
        shared.notes.say(nothing)

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:
        print_fields(records, fields, file=file, width=width, colour=colour)

    return Result(list(records), table=write_table)


def print_fields(
    records: Sequence[Record], fields: Sequence[Field], *, file: TextIO, width: int | None, colour: bool
) -> None:
    """Print a line per record below the headings of those fields that any record has; nothing for no record."""
    from mlrun_cli.cli.output.columns import Column, print_columns  # noqa: PLC0415

    columns = [
        Column(field.heading, [field.format(record) for record in records], keeps_end=field.keeps_end)
        for field in fields
    ]
    narrowest = {field.heading: max(field.narrowest, len(field.heading)) for field in fields}
    kept = [column for number, column in enumerate(columns) if number == 0 or any(column.cells)]
    last_first = [column.heading for column in reversed(kept)]
    if records:
        print_columns(
            kept,
            file=file,
            width=_WIDEST if width is None else width,
            colour=colour,
            narrowing=[
                *((heading, narrowest[heading]) for heading in last_first),
                *((heading, 0) for heading in last_first[:-1]),
                (last_first[-1], 1),
            ],
        )


def make_time_formatter(key: str) -> Callable[[Record], str]:
    """Return a function that formats a record's time as local time."""

    def text(record: Record) -> str:
        from mlrun_cli.cli.output.columns import format_local_time  # noqa: PLC0415

        return format_local_time(record.get(key))

    return text


def format_record_tags(record: Record) -> str:
    """Return a record's tags in one line."""
    tags = record.get("tags") or {}
    return ", ".join(key if value in {None, ""} else f"{key}={value}" for key, value in sorted(tags.items()))
