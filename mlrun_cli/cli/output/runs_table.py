"""A table of runs for people, as wide as the terminal, for `run list -o table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mlrun_cli.cli.output.columns import Column, Layout, can_encode, parse_timestamp
from mlrun_cli.core.durations import format_age, format_clock
from mlrun_cli.runs.status import RunStatus

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
"""Glyph, its ASCII substitute, and style of each status."""


def build_runs_layout(rows: Sequence[Mapping[str, Any]], encoding: str, now: datetime) -> Layout:
    """Return a table of runs, one line each.

    Args:
        rows: run records.
        encoding: the encoding of the output, in which statuses may have no glyphs.
        now: the time until which the durations of live runs are counted; with a time zone.
    """
    return Layout(
        _build_columns(rows, encoding, now),
        narrowing=_NARROWING,
        repeating=_REPEATING,
        styles=[_LOOKS[RunStatus(row["status"])][2] for row in rows],
    )


def _build_columns(rows: Sequence[Mapping[str, Any]], encoding: str, now: datetime) -> list[Column]:
    columns = [
        Column("Status", [format_status(row, encoding) for row in rows]),
        Column("Run", [row["run_id"] for row in rows], keeps_end=True),
        Column("Experiment", [row.get("_experiment_name") or "" for row in rows]),
        Column("Target", [row.get("target") or "" for row in rows]),
        Column("Duration", [format_run_duration(row, now) for row in rows], is_right=True),
        Column("Age", [_format_age(row, now) for row in rows]),
        Column("Tags", [format_tags(row.get("tags") or {}) for row in rows]),
    ]
    reasons = [row.get("waiting_for") or "" for row in rows]
    return [*columns, Column("Waits for", reasons)] if any(reasons) else columns


_REPEATING = (("Experiment", 0), ("Target", 0))
_NARROWING = (
    *(("Waits for", 30), ("Tags", 12), ("Experiment", 10), ("Target", 8), ("Tags", 8)),
    *(("Target", 0), ("Experiment", 0), ("Duration", 0), ("Waits for", 18)),
    *(("Run", 21), ("Tags", 0), ("Waits for", 0), ("Age", 0)),
    *(("Run", 12), ("Status", 1)),
)
"""Columns in the order in which they are narrowed, with their minimum widths; 0 leaves a column out.

Columns of `_REPEATING` with the same cell in every line are left out before. The last 20 characters of a run id are its
own.
"""


def format_status(row: Mapping[str, Any], encoding: str) -> str:
    """Return a run's status preceded by a glyph, or by its substitute if the encoding lacks the glyph."""
    glyph, plain, _ = _LOOKS[RunStatus(row["status"])]
    return f"{glyph if can_encode(glyph, encoding) else plain} {row['status']}"


def format_run_duration(row: Mapping[str, Any], now: datetime) -> str:
    """Return the time from a run's start to its end or to now, or an empty string before its start."""
    start, end = row.get("start_time_utc"), row.get("end_time_utc")
    if start is None:
        return ""
    return format_clock(((now if end is None else parse_timestamp(end)) - parse_timestamp(start)).total_seconds())


def _format_age(row: Mapping[str, Any], now: datetime) -> str:
    created = row.get("created_utc")
    return "" if created is None else format_age((now - parse_timestamp(created)).total_seconds())


def format_tags(tags: Mapping[str, str | None]) -> str:
    """Return tags as one line of text, sorted by key."""
    return ", ".join(key if value is None else f"{key}={value}" for key, value in sorted(tags.items()))
