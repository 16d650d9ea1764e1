"""`run list -o table`: runs as a person looks at them, one line each, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from mlrun_cli.cli.duration import age, clock
from mlrun_cli.cli.printable import printable
from mlrun_cli.domain.run_status import RunStatus

_GAP = "  "

_LOOKS = {
    RunStatus.NOT_STARTED: ("○", "o", "dim"),
    RunStatus.QUEUED: ("◌", "o", "dim"),
    RunStatus.PREPARING: ("◔", ".", "cyan"),
    RunStatus.PROVISIONING: ("◔", ".", "cyan"),
    RunStatus.STARTING: ("◑", ".", "cyan"),
    RunStatus.RUNNING: ("●", "*", "bold cyan"),
    RunStatus.FINALIZING: ("◕", "*", "cyan"),
    RunStatus.CANCEL_REQUESTED: ("⊘", "-", "yellow"),
    RunStatus.COMPLETED: ("✓", "+", "green"),
    RunStatus.FAILED: ("✗", "x", "red"),
    RunStatus.CANCELED: ("⊘", "-", "yellow"),
    RunStatus.NOT_RESPONDING: ("?", "?", "red"),
    RunStatus.PAUSED: ("‖", "=", "yellow"),
    RunStatus.PAUSING: ("‖", "=", "yellow"),
    RunStatus.UNAPPROVED: ("○", "o", "dim"),
}
"""Glyph, the same for a terminal without Unicode, and style of each status."""


@dataclass(slots=True)
class _Column:
    """A column as wide as its widest cell, unless it is narrowed; with width 0 it is left out.

    Attributes:
        is_right: whether cells stand at the right.
        keeps_end: whether a cell that is too long loses its beginning.
    """

    heading: str
    cells: list[str]
    width: int = 0
    widest: int = 0
    is_right: bool = False
    keeps_end: bool = False


def print_runs_table(
    rows: Sequence[Mapping[str, Any]], *, file: TextIO, width: int | None, now: datetime, colour: bool
) -> None:
    """Print one line per run, under headings; nothing when there is no run.

    Args:
        rows: run records.
        file: where to; what its encoding cannot carry is spelled in ASCII.
        width: columns to keep within; None for as many as it takes.
        now: the time up to which a run that goes on has lasted; with a time zone.
        colour: whether statuses are coloured.
    """
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not rows:
        return
    encoding = file.encoding or "ascii"
    columns = _columns(rows, encoding, now)
    for column in columns:
        column.width = column.widest = max(map(cell_len, [column.heading, *column.cells]))
    if width is not None:
        columns = _narrowed(columns, width)
    dots = "…" if _carries("…", encoding) else "..."
    styles = ["bold", *(_LOOKS[RunStatus(row["status"])][2] for row in rows)]

    def fitted(text: str, column: _Column) -> str:
        if cell_len(text) > column.width:
            room = max(0, column.width - len(dots))
            cut = dots + _ending(text, room) if column.keeps_end else set_cell_size(text, room) + dots
            return set_cell_size(cut, column.width)
        blank = " " * (column.width - cell_len(text))
        return blank + text if column.is_right else text + blank

    console = Console(file=file, color_system="standard" if colour else None, force_terminal=colour)
    for number, style in enumerate(styles):
        texts = [fitted([column.heading, *column.cells][number], column) for column in columns]
        line = Text(_GAP.join(texts).rstrip())
        line.stylize(style, 0, None if number == 0 else len(texts[0]))
        console.print(line, soft_wrap=True, highlight=False)


def _columns(rows: Sequence[Mapping[str, Any]], encoding: str, now: datetime) -> list[_Column]:
    def cells(texts: list[str]) -> list[str]:
        return [printable(text).encode(encoding, "replace").decode(encoding) for text in texts]

    columns = [
        _Column("Status", [_status(row, encoding) for row in rows]),
        _Column("Run", cells([row["run_id"] for row in rows]), keeps_end=True),
        _Column("Experiment", cells([row.get("_experiment_name") or "" for row in rows])),
        _Column("Target", cells([row.get("target") or "" for row in rows])),
        _Column("Duration", [_duration(row, now) for row in rows], is_right=True),
        _Column("Age", [_age(row, now) for row in rows]),
        _Column("Tags", cells([_tags(row.get("tags") or {}) for row in rows])),
    ]
    reasons = [row.get("waiting_for") or "" for row in rows]
    return [*columns, _Column("Waits for", cells(reasons))] if any(reasons) else columns


_REPEATING = (("Experiment", 0), ("Target", 0))
_NARROWING = (
    *(("Waits for", 30), ("Tags", 12), ("Experiment", 10), ("Target", 8), ("Tags", 8)),
    *(("Target", 0), ("Experiment", 0), ("Duration", 0), ("Waits for", 18)),
    *(("Run", 21), ("Tags", 0), ("Waits for", 0), ("Age", 0)),
    *(("Run", 12), ("Status", 1)),
)
"""Which column gives way next, and down to which width; 0 leaves it out.

Before them go those of `_REPEATING` that say the same in every line. The last 20 characters of a run id are its own.
"""


def _narrowed(columns: Sequence[_Column], width: int) -> list[_Column]:
    """The columns that fit into `width`: what tells runs apart stays longest."""
    by_heading = {column.heading: column for column in columns}
    repeating = [(heading, to) for heading, to in _REPEATING if len(set(by_heading[heading].cells)) == 1]
    for heading, narrowest in (*repeating, *_NARROWING):
        excess = -_room(columns, width)
        if excess <= 0:
            break
        column = by_heading.get(heading)
        if column is None:
            continue
        column.width = max(column.width - excess, min(column.width, narrowest)) if narrowest else 0
    for column in columns:
        if 0 < column.width < column.widest:
            column.width = min(column.widest, column.width + max(0, _room(columns, width)))
    return [column for column in columns if column.width]


def _room(columns: Sequence[_Column], width: int) -> int:
    """How many columns of the terminal are left; negative when there are too few."""
    kept = [column.width for column in columns if column.width]
    return width - sum(kept) - len(_GAP) * (len(kept) - 1)


def _ending(text: str, width: int) -> str:
    """The last characters of `text`, in at most `width` columns."""
    from rich.cells import cell_len  # noqa: PLC0415

    while cell_len(text) > width:
        text = text[1:]
    return text


def _status(row: Mapping[str, Any], encoding: str) -> str:
    glyph, plain, _ = _LOOKS[RunStatus(row["status"])]
    return f"{glyph if _carries(glyph, encoding) else plain} {row['status']}"


def _duration(row: Mapping[str, Any], now: datetime) -> str:
    """From the start to the end, or to now; empty for a run that has not started."""
    start, end = row.get("start_time_utc"), row.get("end_time_utc")
    if start is None:
        return ""
    return clock(((now if end is None else _time(end)) - _time(start)).total_seconds())


def _age(row: Mapping[str, Any], now: datetime) -> str:
    created = row.get("created_utc")
    return "" if created is None else age((now - _time(created)).total_seconds())


def _tags(tags: Mapping[str, str | None]) -> str:
    return ", ".join(key if value is None else f"{key}={value}" for key, value in sorted(tags.items()))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _carries(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
