"""Human-readable tables of a sweep: its runs with their sampled values, the best one last, and dry runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from mlrun_cli.actions.sweep_overview import SweepOverview
from mlrun_cli.cli.output.columns import Layout, TableColumn
from mlrun_cli.cli.output.runs_table import format_run_duration, format_status, format_value, get_status_style
from mlrun_cli.core.durations import format_clock
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.runs.status import RunStatus

_NARROWEST_VALUE = 8


def build_sweep_layout(overview: SweepOverview, encoding: str) -> Layout:
    """Return the table of a sweep's runs: first those without the metric, then the others, the best one last."""
    runs = list(reversed(overview.runs))
    records = [build_run_record(each.run) for each in runs]
    now = datetime.now(timezone.utc)
    best = frozenset({len(runs) - 1}) if runs and runs[-1].best is not None else frozenset()
    metric = overview.definition.metric.name
    values = [
        TableColumn(name, [format_value(each.values.get(name)) for each in runs], is_right=True)
        for name in overview.parameters
    ]
    columns = [
        TableColumn("Status", [format_status(record, encoding) for record in records]),
        TableColumn("Run", ["" if each.number is None else str(each.number) for each in runs], is_right=True),
        *values,
        TableColumn(metric, [format_value(each.best) for each in runs], is_right=True, marked=best),
        TableColumn("Values", [str(each.value_count) for each in runs], is_right=True),
        TableColumn("Duration", [format_run_duration(record, now) for record in records], is_right=True),
        *([TableColumn("Why", [each.reason or "" for each in runs])] if any(each.reason for each in runs) else ()),
    ]
    narrowing = [("Why", 0), ("Values", 0), *((column.heading, _NARROWEST_VALUE) for column in values)]
    styles = [get_status_style(each.run.status) for each in runs]
    return Layout(_make_headings_unique(columns), narrowings=[narrowing], styles=styles)


def build_samples_layout(samples: Sequence[Mapping[str, Any]]) -> Layout:
    """Return the table of the parameter values sampled in a sweep's dry run."""
    names = list(samples[0]["values"]) if samples else []
    columns = [
        TableColumn("Run", [str(sample["number"]) for sample in samples], is_right=True),
        *(
            TableColumn(name, [format_value(sample["values"][name]) for sample in samples], is_right=True)
            for name in names
        ),
    ]
    return Layout(_make_headings_unique(columns), narrowings=[[(name, _NARROWEST_VALUE) for name in names]])


def describe_progress(overview: SweepOverview, sweep: Run) -> str:
    """Return the progress of a sweep as one line of text."""
    counts = overview.status_counts
    running = sum(count for status, count in counts.items() if not RunStatus(status).is_terminal)
    left = overview.remaining_seconds
    parts = [
        f"{overview.ended_count} of {overview.total} runs ended",
        f"{running} live",
        *([] if left is None or sweep.status.is_terminal else [f"about {format_clock(left)} left"]),
    ]
    return f"{', '.join(parts)}. Ctrl-C leaves."


def _make_headings_unique(columns: Sequence[TableColumn]) -> Sequence[TableColumn]:
    """Prefix duplicate headings of columns with dashes, and return the columns."""
    taken: set[str] = set()
    for column in columns:
        while column.heading in taken:
            column.heading = f"--{column.heading}"
        taken.add(column.heading)
    return columns
