"""The human-readable page of a run, for `run show -o table` and `run view`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

from mlrun_cli.actions.run_overview import MetricOverview, RunOverview
from mlrun_cli.cli.output.columns import can_encode
from mlrun_cli.cli.output.run_details import LABEL_WIDTH, format_value, get_value_width, print_run
from mlrun_cli.core.sizes import format_size
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.wire.run_output import make_printable

_BARS = "▁▂▃▄▅▆▇█"
_WIDE_SPARK, _NARROW_SPARK = 20, 12
_WIDE_ROOM = 80
_MAX_CHARACTERS = 40
_MAX_FILES = 8


def print_run_page(
    record: Mapping[str, Any],
    overview: RunOverview,
    next_commands: Sequence[str],
    *,
    file: TextIO,
    width: int | None,
    colour: bool,
    now: datetime,
) -> None:
    """Print a run's record, metrics, environment, files and failure, and the suggested next commands.

    Args:
        record: the record that `run show` prints.
        overview: the overview of the run.
        next_commands: command lines for the user to copy.
        file: the output; characters that its encoding lacks are replaced.
        width: the width of the terminal; None if it is not one.
        colour: whether to colour labels and the status.
        now: the time until which the duration of a live run is counted.
    """
    print_run(record, file=file, width=width, now=now, colour=colour)
    encoding = file.encoding or "ascii"
    room = get_value_width(width)
    sections = {
        **_format_sweep(overview, room),
        "Metrics": _format_metrics(overview, encoding, room),
        "Environment": textwrap.wrap(", ".join(overview.environment), room, break_on_hyphens=False),
        "Files": _format_files(overview.files, room),
        "Log": _format_failure(overview, room),
        "Next": next_commands,
    }
    for label, lines in sections.items():
        for number, line in enumerate(lines):
            shown = make_printable(line).encode(encoding, "replace").decode(encoding)
            label_text = f"{label if number == 0 else '':<{LABEL_WIDTH}}"
            file.write(f"\033[1m{label_text}\033[0m{shown}\n" if colour and number == 0 else f"{label_text}{shown}\n")


def draw_sparkline(values: Sequence[float], width: int) -> str:
    """Return numbers as a sparkline, with spaces for non-finite ones; an empty string for fewer than two numbers."""
    if len(values) < 2 or not width:
        return ""
    count = min(width, len(values))
    pieces = [values[number * len(values) // count : (number + 1) * len(values) // count] for number in range(count)]
    means = [_compute_mean([value for value in piece if math.isfinite(value)]) for piece in pieces]
    finite = [mean / 2 for mean in means if mean is not None]  # half of it: the span of floats is no float
    if not finite:
        return ""
    least, span = min(finite), max(finite) - min(finite)
    highest = len(_BARS) - 1

    def get_bar(mean: float | None) -> str:
        if mean is None:
            return " "
        return _BARS[round((mean / 2 - least) / span * highest) if span else highest // 2]

    return "".join(map(get_bar, means))


def _compute_mean(values: Sequence[float]) -> float | None:
    return sum(value / len(values) for value in values) if values else None


def _format_sweep(overview: RunOverview, width: int) -> dict[str, list[str]]:
    """Return lines that summarize a sweep's runs and its best run, keyed by label; empty for other runs."""
    facts = () if overview.sweep is None else overview.sweep.list_summary_items()
    return {label: textwrap.wrap(text, width, break_on_hyphens=False) for label, text in facts}


def _format_metrics(overview: RunOverview, encoding: str, max_width: int) -> Iterator[str]:
    bars = (_NARROW_SPARK if max_width < _WIDE_ROOM else _WIDE_SPARK) if can_encode(_BARS, encoding) else 0
    rows = [
        (
            make_printable(metric.summary.name),
            _format_last_value(metric),
            draw_sparkline(metric.numbers, bars),
            _format_range(metric.summary),
        )
        for metric in overview.metrics
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    widths[0] = min(widths[0], max_width // 3)
    for name, *cells in rows:
        shown = name if len(name) <= widths[0] else f"{name[: widths[0] - 1]}…"
        texts = [f"{text:<{width}}" for text, width in zip((shown, *cells), widths, strict=False) if width]
        yield "  ".join([*texts, cells[-1]]).rstrip()[:max_width]
    more = overview.metric_count - len(overview.metrics)
    if more > 0:
        yield f"and {more} more"


def _format_last_value(metric: MetricOverview) -> str:
    """Return the last value of a metric as text, or the metric's shape in parentheses if it has none."""
    if metric.last is None:
        return f"({metric.summary.shape})"
    return make_printable(format_value(metric.last))[:_MAX_CHARACTERS]


def _format_range(summary: MetricSummary) -> str:
    """Return the range and number of a metric's values as text; empty for a single value or without a range."""
    if summary.value_count < 2 or summary.minimum is None or summary.maximum is None:
        return ""
    return f"{format_value(summary.minimum)} to {format_value(summary.maximum)}, {summary.value_count} values"


def _format_files(files: Mapping[str, int], width: int) -> list[str]:
    names = sorted(files, key=lambda name: (not name.startswith("outputs/"), name))
    lines = [f"{name} ({format_size(files[name])})" for name in names[:_MAX_FILES]]
    more = names[_MAX_FILES:]
    if more:
        lines.append(f"and {len(more)} more ({format_size(sum(files[name] for name in more))})")
    return [line if len(line) <= width else f"…{line[1 - width :]}" for line in lines]


def _format_failure(overview: RunOverview, width: int) -> Iterator[str]:
    if overview.failure is None:
        return
    for line in (*overview.failure.last_lines, *overview.failure.traceback.splitlines()):
        text = line.expandtabs(4)
        indent = text[: len(text) - len(text.lstrip())]
        yield from textwrap.wrap(
            text, width, subsequent_indent=indent[: width // 2], drop_whitespace=False, break_on_hyphens=False
        )
