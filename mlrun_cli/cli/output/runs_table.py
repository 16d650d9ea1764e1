"""A human-readable table of runs, as wide as the terminal, for `run list -o table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from types import MappingProxyType
from typing import Any

from mlrun_cli.cli.output.columns import Layout, TableColumn, can_encode, localize_times, parse_timestamp
from mlrun_cli.core.durations import format_age, format_clock
from mlrun_cli.metrics.goal import Goal, guess_goal
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags

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


_METRICS, _PARAMETERS = "metrics", "parameters"
_NARROWEST_VALUE = 8
_DIGITS = 6


def build_runs_layout(
    rows: Sequence[Mapping[str, Any]],
    encoding: str,
    now: datetime,
    *,
    names: Mapping[str, Sequence[str]] = MappingProxyType({}),
    goals: Mapping[str, Goal] = MappingProxyType({}),
    kept: Sequence[str] = (),
) -> Layout:
    """Return a table of runs with one line each, in which the best value of each metric is marked.

    Args:
        rows: run records; their `metrics` and `parameters` have columns.
        encoding: the encoding of the output, in which statuses may have no glyphs.
        now: the time until which the durations of live runs are counted; with a time zone.
        names: the names of `metrics` and `parameters`, in order; by default, all in the order of the records.
        goals: the goals of metrics whose names do not tell it, keyed by name.
        kept: the headings of the columns that are left out after all others, the most important first. An id is cut
            only if all of them fit then, or if the first would not fit beside the whole one.
    """
    parameters, metrics = (
        build_value_columns([row.get(key) or {} for row in rows], names.get(key), key, goals)
        for key in (_PARAMETERS, _METRICS)
    )
    values = [*parameters, *metrics]
    last_first = [*reversed(parameters), *reversed(metrics)]
    texts = [column.heading for column in last_first if not column.is_right]  # half a number is none
    steps = (
        *_NARROWING,
        *((heading, max(_NARROWEST_VALUE, len(heading))) for heading in texts),
        *((column.heading, 0) for column in last_first),
        *_NARROWING_LAST,
    )
    asked_texts = {heading for heading in texts if heading in kept}
    narrowing = [(heading, width) for heading, width in steps if width > 0 or heading not in kept]
    around_ids = [step for step in narrowing if step[0] not in {"Run", *asked_texts}]
    leaving = [*narrowing, *((heading, 0) for heading in reversed(kept))]
    columns = _build_columns(rows, values, encoding, now)
    headings = {column.heading for column in columns}
    first = next(((heading, 0) for heading in kept if heading in headings), None)
    return Layout(
        columns,
        narrowings=[
            around_ids,
            narrowing,
            [step for step in leaving if step[0] != "Run" and step != first],
            leaving,
        ],
        repeating=_REPEATING,
        styles=[get_status_style(RunStatus(row["status"])) for row in rows],
    )


def build_value_columns(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None, record_key: str, goals: Mapping[str, Goal]
) -> list[TableColumn]:
    """Return a column for each metric or parameter, with the best value of each metric marked.

    Args:
        rows: the values of each line, keyed by name.
        names: the names; by default, all in the order in which they appear.
        record_key: `metrics` or `parameters`, which distinguishes names that other columns have too.
        goals: the goals of metrics whose names do not tell it, keyed by name.
    """
    columns = []
    for name in names or dict.fromkeys(name for values in rows for name in values):
        values = [values.get(name) for values in rows]
        goal = guess_goal(name) or goals.get(name) if record_key == _METRICS else None
        columns.append(
            TableColumn(
                build_value_heading(record_key, name),
                [format_value(value) for value in values],
                is_right=all(value is None or type(value) in {int, float} for value in values),
                marked=frozenset() if goal is None else find_best_rows(values, goal),
            )
        )
    return columns


def build_value_heading(record_key: str, name: str) -> str:
    """Return the heading of a metric or parameter, with a prefix if another column already has its name."""
    return f"{record_key}.{name}" if name in _HEADINGS else name


def find_best_rows(values: Sequence[object], goal: Goal) -> frozenset[int]:
    """Return the indexes of the rows with the best value, or an empty set unless two values differ."""
    numbers = {line: value for line, value in enumerate(values) if isinstance(value, int | float) and isfinite(value)}
    if len(set(numbers.values())) < 2:
        return frozenset()
    best = goal.get_best(numbers.values())
    return frozenset(line for line, value in numbers.items() if value == best)


def _build_columns(
    rows: Sequence[Mapping[str, Any]], value_columns: Sequence[TableColumn], encoding: str, now: datetime
) -> list[TableColumn]:
    names = [row.get("display_name") or "" for row in rows]
    reasons = [localize_times(row.get("waiting_for") or "") for row in rows]
    return [
        TableColumn("Status", [format_status(row, encoding) for row in rows]),
        *([TableColumn("Name", names)] if any(names) else []),
        TableColumn("Run", [row["run_id"] for row in rows], keeps_end=True),
        *value_columns,
        TableColumn("Experiment", [row.get("_experiment_name") or "" for row in rows]),
        TableColumn("Target", [row.get("target") or "" for row in rows]),
        TableColumn("Duration", [format_run_duration(row, now) for row in rows], is_right=True),
        TableColumn("Age", [_format_age(row, now) for row in rows]),
        TableColumn("Tags", [format_tags(get_shown_tags(row)) for row in rows]),
        *([TableColumn("Waits for", reasons)] if any(reasons) else []),
    ]


_HEADINGS = frozenset({"Status", "Name", "Run", "Experiment", "Target", "Duration", "Age", "Tags", "Waits for"})
_REPEATING = (("Experiment", 0), ("Target", 0))
_NARROWING = (
    *(("Waits for", 30), ("Name", 30), ("Tags", 12), ("Experiment", 10), ("Target", 8), ("Tags", 8)),
    *(("Target", 0), ("Experiment", 0), ("Name", 16), ("Duration", 0), ("Waits for", 18)),
    *(("Tags", 0), ("Waits for", 0), ("Age", 0), ("Name", 12), ("Run", 21), ("Run", 12), ("Name", 8)),
)
_NARROWING_LAST = (("Name", 0), ("Status", 1))
"""Columns in the order in which they are narrowed, with their minimum widths; 0 leaves a column out.

Columns of `_REPEATING` with the same cell in every line are left out before. Those of metrics and parameters come
between the others and `_NARROWING_LAST`, unless a user has named them: those are left out last. The last 20 characters
of a run id are its own.
"""


def format_value(value: object) -> str:
    """Return a value as text, with floats rounded to six significant digits; empty for None."""
    if value is None:
        return ""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def format_status(row: Mapping[str, Any], encoding: str) -> str:
    """Return a run's status preceded by a glyph, or by a substitute that the encoding has."""
    glyph, plain, _ = _LOOKS[RunStatus(row["status"])]
    return f"{glyph if can_encode(glyph, encoding) else plain} {row['status']}"


def get_status_style(status: RunStatus) -> str:
    """Return the colour and weight, such as `bold cyan`, in which a status is shown."""
    return _LOOKS[status][2]


def format_run_duration(row: Mapping[str, Any], now: datetime) -> str:
    """Return the time from a run's start to its end or to now, or an empty string before its start."""
    start, end = row.get("start_time_utc"), row.get("end_time_utc")
    if start is None:
        return ""
    return format_clock(((now if end is None else parse_timestamp(end)) - parse_timestamp(start)).total_seconds())


def _format_age(row: Mapping[str, Any], now: datetime) -> str:
    created = row.get("created_utc")
    return "" if created is None else format_age((now - parse_timestamp(created)).total_seconds())


def get_shown_tags(record: Mapping[str, Any]) -> Mapping[str, str | None]:
    """Return the tags in a run's record, except those in which sweeps and MLflow store documents."""
    return drop_bookkeeping_tags(record.get("run_type") or "", record["run_id"], record.get("tags") or {})


def format_tags(tags: Mapping[str, str | None]) -> str:
    """Return tags as one line of text, sorted by key."""
    return ", ".join(key if value is None else f"{key}={value}" for key, value in sorted(tags.items()))
