"""Tables of records for `list -o table`, one line for each record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlrun_cli.cli.command import Result
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.core.named_tuple import NamedTuple

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout

Record = Mapping[str, Any]

TIME_WIDTH = len("2026-01-31 18:30")
"""The least width of a column of times, which is left out instead of being cut."""
_WIDEST = 160
"""Width in columns if stdout is not a terminal."""


class Field(NamedTuple):
    """A column of a table of records.

    Attributes:
        heading: the heading of the column.
        cell: the key of the value to show, or a function that returns the text for a record.
        narrowest: the minimum width to which it is narrowed before any column is left out.
        keeps_end: whether a cell that is too long is cut at its start instead of its end.
        is_id: whether its cells are to be copied, so that other columns are left out before it is narrowed.
    """

    heading: str
    cell: str | Callable[[Record], str]
    narrowest: int = 8
    keeps_end: bool = False
    is_id: bool = False

    def format(self, record: Record) -> str:
        """Return the text of a record's cell."""
        value = record.get(self.cell) if isinstance(self.cell, str) else self.cell(record)
        return "" if value is None else str(value)


def build_listing(
    global_options: GlobalOptions, records: Sequence[Record], fields: Sequence[Field], *, empty_message: str
) -> Result:
    """Return records as a command's result, with a human-readable table of the given fields.

    If the table is too wide, columns are narrowed and then left out, the last one first; the first one is always shown.

    Args:
        global_options: the global options.
        records: the records, which all other formats print.
        fields: the columns of the table.
        empty_message: the message for stderr if the table would have no lines.
    """
    if not records and global_options.is_human_readable:
        global_options.notes.info(empty_message)
    return Result(list(records), layout=lambda _encoding: build_fields_layout(records, fields))


def build_record_result(record: Record, fields: Sequence[Field], *, value: object = None) -> Result:
    """Return a record as a command's result, with a human-readable table of one line, the given fields.

    Args:
        record: the record.
        fields: the fields of the table.
        value: the result, if it is not the record itself.
    """
    return Result(record if value is None else value, layout=lambda _encoding: build_fields_layout([record], fields))


def build_fields_layout(records: Sequence[Record], fields: Sequence[Field]) -> Layout:
    """Return a table of records without empty columns, except that the first column is always kept."""
    from mlrun_cli.cli.output.columns import Layout, TableColumn  # noqa: PLC0415 - start-up

    columns = [
        TableColumn(field.heading, [field.format(record) for record in records], keeps_end=field.keeps_end)
        for field in fields
    ]
    narrowest = {field.heading: max(field.narrowest, len(field.heading)) for field in fields}
    kept = [column for number, column in enumerate(columns) if number == 0 or any(column.cells)]
    last_first = [column.heading for column in reversed(kept)]
    ids = {field.heading for field in fields if field.is_id}
    besides = [heading for heading in last_first if heading not in ids]
    return Layout(
        kept,
        narrowings=[
            [
                *((heading, narrowest[heading]) for heading in besides),
                *((heading, 0) for heading in besides[:-1]),
            ],
            [
                *((heading, narrowest[heading]) for heading in last_first),
                *((heading, 0) for heading in last_first[:-1]),
                (last_first[-1], 1),
            ],
        ],
        widest=_WIDEST,
    )


def build_time_formatter(record_key: str) -> Callable[[Record], str]:
    """Return a function that formats the timestamp under a record's key as local time."""

    def format_timestamp(record: Record) -> str:
        from mlrun_cli.cli.output.columns import format_local_time  # noqa: PLC0415

        return format_local_time(record.get(record_key))

    return format_timestamp


def format_record_tags(record: Record) -> str:
    """Return a record's tags as one line of text, sorted by key."""
    tags = record.get("tags") or {}
    return ", ".join(key if value in {None, ""} else f"{key}={value}" for key, value in sorted(tags.items()))
