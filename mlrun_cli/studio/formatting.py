"""Formatting of numbers, times and statuses by the template filters."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from mlrun_cli.core.sizes import format_size
from mlrun_cli.core.time import MICROSECONDS, format_iso, now
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import TERMINAL_STATUSES, RunStatus

_AGES = ((365 * 86400, "y"), (30 * 86400, "mo"), (86400, "d"), (3600, "h"), (60, "min"))
_MAX_WHOLE = 1e15
_RECORD_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")
_STATUS_KINDS: Mapping[RunStatus, str] = {
    RunStatus.COMPLETED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELED: "off",
    RunStatus.QUEUED: "waiting",
    RunStatus.NOT_STARTED: "waiting",
    RunStatus.NOT_RESPONDING: "bad",
    RunStatus.CANCEL_REQUESTED: "off",
}


def format_duration(seconds: float | None) -> str:
    """Format a duration as `1:02:03`, or as `0.4 s` below ten seconds; return an empty string for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def format_timestamp(timestamp: int | None) -> Markup:
    """Format a timestamp as an element that a script converts to the reader's time zone; empty for None."""
    if timestamp is None:
        return Markup("")
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(timestamp // MICROSECONDS))
    return Markup('<time datetime="{}" data-timestamp>{} UTC</time>').format(format_iso(timestamp), text)


def format_times(text: str | None) -> Markup:
    """Format text with the times of records in it as elements that a script converts to the reader's time zone."""
    element = r'<time datetime="\g<0>" data-timestamp>\1 \2 UTC</time>'
    return Markup(_RECORD_TIME.sub(element, str(escape(text or ""))))  # noqa: S704 - it is escaped


def format_age(timestamp: int | None) -> Markup:
    """Format a timestamp's age as an element that a script updates, with the time as its tooltip; empty for None."""
    if timestamp is None:
        return Markup("")
    text, age = format_iso(timestamp), _describe_age(now() - timestamp)
    return Markup('<time datetime="{}" data-ago title="{}">{}</time>').format(text, text, age)


def _describe_age(microseconds: int) -> str:
    seconds = microseconds // MICROSECONDS
    return next((f"{seconds // size} {unit} ago" for size, unit in _AGES if seconds >= size), "just now")


def format_elapsed(run: Run) -> Markup:
    """Format a run's duration as HTML; while the run is active, it is an element that a script updates."""
    seconds = run.compute_elapsed_seconds(now())
    if seconds is None:
        return Markup("")
    if run.started_at is None or run.ended_at is not None or run.status.is_terminal:
        return Markup("{}").format(format_duration(seconds))
    return Markup('<span data-ticks="{}">{}</span>').format(format_iso(run.started_at), format_duration(seconds))


def format_number(value: object) -> str:
    """Format a metric's value: whole numbers below 1e15 in full, other numbers with six digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    magnitude = abs(value)
    if magnitude < _MAX_WHOLE and value == math.trunc(value):
        return str(math.trunc(value))
    if magnitude > sys.float_info.max:  # Python's integers are not bounded
        return f"{Decimal(value):.6g}"
    return f"{value:.6g}"


def format_count(value: int) -> str:
    """Format a count with thousands separators."""
    return f"{value:,}"


def get_status_class(status: RunStatus) -> str:
    """Return the CSS class for the colour of a status: good, bad, off, waiting or active."""
    return _STATUS_KINDS.get(status, "active")


def is_active(status: RunStatus) -> bool:
    """Return whether this is the status of a run that has not ended."""
    return status not in TERMINAL_STATUSES


def to_script_json(value: Any) -> str:
    """Return a value as JSON for an HTML attribute that a script reads, with non-finite numbers as strings."""
    return json.dumps(_replace_non_finite(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _replace_non_finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_non_finite(item) for item in value]
    return value


FILTERS: Mapping[str, Callable[..., Any]] = {
    "ago": format_age,
    "count": format_count,
    "duration": format_duration,
    "elapsed": format_elapsed,
    "is_active": is_active,
    "number": format_number,
    "script_json": to_script_json,
    "size": format_size,
    "status_kind": get_status_class,
    "times": format_times,
    "timestamp": format_timestamp,
}
"""A mapping from the names of filters in templates to functions."""
