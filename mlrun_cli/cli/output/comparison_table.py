"""A human-readable table of runs side by side, for `run compare -o table`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from mlrun_cli.actions.run_comparison import CODE, RUN, ComparisonRow
from mlrun_cli.cli.output.columns import GAP, Layout, TableColumn, localize_times, print_layout
from mlrun_cli.runs.run import Run

_NARROWEST = 12
_RUN_WIDTH = 20
"""The width by which the number of runs in a table is chosen, enough for the own part of a run id."""
_WIDEST_NAME = 32
_DIGITS = 6
_DIGEST_CHARACTERS = 10


def print_comparison(
    runs: Sequence[Run], rows: Sequence[ComparisonRow], *, file: TextIO, width: int | None, colour: bool
) -> None:
    """Print a table with a column for each run, divided into several tables if it is too wide."""
    if not rows:
        return
    for number, positions in enumerate(_split_into_tables(runs, rows, width)):
        if number:
            file.write("\n")
        print_layout(build_comparison_layout(runs, rows, positions), file=file, width=width, colour=colour)


def build_comparison_layout(
    runs: Sequence[Run], rows: Sequence[ComparisonRow], positions: Sequence[int] | None = None
) -> Layout:
    """Return a table with a column for each run, or for the runs at some positions."""
    sections = [row.section for row in rows]
    labels = [
        section if number == 0 or section != sections[number - 1] else "" for number, section in enumerate(sections)
    ]
    cells = [_format_values(row) for row in rows]
    headings = _choose_headings(runs)
    columns = [
        TableColumn("Section", labels),
        TableColumn("Name", [row.name for row in rows], keeps_end=True),
        *(
            TableColumn(headings[position], [cell[position] for cell in cells], keeps_end=True)
            for position in (range(len(runs)) if positions is None else positions)
        ),
    ]
    of_runs = [(column.heading, _NARROWEST) for column in columns[2:]]
    return Layout(columns, narrowings=[[("Name", _WIDEST_NAME), *of_runs, ("Name", _NARROWEST)]])


def _choose_headings(runs: Sequence[Run]) -> Sequence[str]:
    """Return a heading for each run: its display name if no other run has the same one, otherwise its id."""
    names = [run.display_name or "" for run in runs]
    taken = {"", "Section", "Name", *(run.run_id for run in runs)}
    return [
        run.run_id if name in taken or names.count(name) > 1 else name for run, name in zip(runs, names, strict=True)
    ]


def _split_into_tables(
    runs: Sequence[Run], rows: Sequence[ComparisonRow], width: int | None
) -> Iterator[Sequence[int]]:
    """Yield, for each table, the positions of its runs in the list of runs."""
    if width is None:
        yield range(len(runs))
        return
    names = min(_WIDEST_NAME, max(len(row.name) for row in rows))
    room = width - max(len(row.section) for row in rows) - names - len(GAP)
    count = max(1, room // (_RUN_WIDTH + len(GAP)))
    for start in range(0, len(runs), count):
        yield range(start, min(len(runs), start + count))


def _format_values(row: ComparisonRow) -> Sequence[str]:
    """Return a row's values as strings, with numbers and times rounded unless different values would look alike."""
    short, full = ([_format_cell(row.section, value, digits) for value in row.values] for digits in (_DIGITS, None))
    return short if len(set(short)) == len(set(full)) else full


def _format_cell(section: str, value: object, digits: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value) if digits is None else f"{value:.{digits}g}"
    text = str(value) if digits is None or section != RUN else localize_times(str(value))
    if section != CODE or text.startswith("-> "):
        return text
    digest, *mode = text.split()
    return " ".join([digest[:_DIGEST_CHARACTERS], *mode])
