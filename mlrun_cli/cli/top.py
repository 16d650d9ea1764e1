"""`top`: live runs, and what they use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

from mlrun_cli.actions.live_runs import list_live_runs
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_seconds
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.output.record_table import Field, build_fields_layout, build_listing
from mlrun_cli.core.durations import format_clock
from mlrun_cli.core.sizes import format_size
from mlrun_cli.workspace import Workspace

app = Group("top")

_NOTHING = "No live runs."
_KEYS = "q: leave"
_OTHER_LINES = 2
"""The line below the runs, and the one that has to stay free for the cursor."""


@command(
    app,
    "top",
    query_words=True,
    examples=[
        ("Watch the live runs on a terminal", "mlrun top"),
        ("Print the memory of each live run", "mlrun top -o json --query '[].memory_bytes'"),
    ],
    default_output="table on a terminal, json elsewhere",
)
def top(
    global_options: GlobalOptions,
    interval: Annotated[str, Option("--interval", metavar="TIME", help="Time between updates on a terminal.")] = "2s",
) -> object:
    """Show the live runs with CPU, memory, GPU, duration and their last metric.

    On a terminal without -o and --query, the table changes in place until q or Ctrl-C is pressed; otherwise it is
    printed once.
    """
    seconds = max(0.1, parse_seconds(interval, "--interval"))
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        if sys.stdout.isatty() and not global_options.has_output_option and global_options.query is None:
            _watch_table(workspace, seconds)
            return None
        records = list_live_runs(workspace)
    return build_listing(global_options, records, _FIELDS, empty_message=_NOTHING)


def _watch_table(workspace: Workspace, interval_seconds: float) -> None:
    """Show the table of live runs, updated in place, until the user presses q or Ctrl-C."""
    from mlrun_cli.cli.output.screen import Screen  # noqa: PLC0415 - start-up

    keys = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    colour = wants_colour(sys.stdout)
    with suppress(KeyboardInterrupt), Screen(sys.stdout, keys) as screen:
        while True:
            screen.draw(_build_lines(list_live_runs(workspace), screen.size, colour=colour))
            if b"q" in screen.wait(interval_seconds).lower():
                return


def _build_lines(records: Sequence[Mapping[str, Any]], size: os.terminal_size, *, colour: bool) -> list[str]:
    """Return the lines of the screen, the last of which counts the runs that are left out."""
    from mlrun_cli.cli.output.columns import render_layout  # noqa: PLC0415 - start-up

    layout = build_fields_layout(records, _FIELDS)
    table = render_layout(layout, encoding=sys.stdout.encoding, width=size.columns, colour=colour)
    count = "1 live run" if len(records) == 1 else f"{len(records)} live runs"
    lines = [f"{count if records else _NOTHING}   {_KEYS}"[: size.columns], "", *table.splitlines()]
    room = max(1, size.lines - _OTHER_LINES)
    hidden = len(lines) - room
    return [*lines[:room], f"{hidden} more below."] if hidden > 1 else lines


def _build_percent_formatter(record_key: str) -> Any:
    return lambda record: f"{record[record_key]:.0f} %" if record_key in record else ""


def _build_bytes_formatter(record_key: str) -> Any:
    return lambda record: format_size(record[record_key]) if record_key in record else ""


def _format_metric(record: Mapping[str, Any]) -> str:
    metric = record.get("metric")
    return "" if metric is None else f"{metric['name']} {metric['value']:.6g}"


def _format_duration(record: Mapping[str, Any]) -> str:
    return format_clock(record["duration_seconds"]) if "duration_seconds" in record else ""


_FIELDS = (
    Field("Run", lambda record: record.get("display_name") or record["run_id"], 21, keeps_end=True, is_id=True),
    Field("Status", "status", 8),
    Field("Duration", _format_duration, 8),
    Field("CPU", _build_percent_formatter("cpu_percent"), 5),
    Field("Memory", _build_bytes_formatter("memory_bytes"), 7),
    Field("GPU", _build_percent_formatter("gpu_percent"), 5),
    Field("GPU memory", _build_bytes_formatter("gpu_memory_bytes"), 7),
    Field("Metric", _format_metric, 12, keeps_end=True),
    Field("Experiment", "_experiment_name", 8),
    Field("Target", "target", 8),
)
