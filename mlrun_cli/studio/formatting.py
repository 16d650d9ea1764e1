"""How pages write numbers, times and statuses: the filters of the templates."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from mlrun_cli.core.sizes import size_in_words
from mlrun_cli.core.time import MICROSECONDS, iso, now
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import TERMINAL_STATUSES, RunStatus

_AGES = ((365 * 86400, "y"), (30 * 86400, "mo"), (86400, "d"), (3600, "h"), (60, "min"))
_LONG = 1e15
_KINDS: Mapping[RunStatus, str] = {
    RunStatus.COMPLETED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.CANCELED: "off",
    RunStatus.QUEUED: "waiting",
    RunStatus.NOT_STARTED: "waiting",
    RunStatus.NOT_RESPONDING: "bad",
    RunStatus.CANCEL_REQUESTED: "off",
}


def duration(seconds: float | None) -> str:
    """`1:02:03`, or `0.4 s` below ten seconds; nothing when it is not known."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def moment(value: int | None) -> Markup:
    """A point in time, which scripts show in the reader's own zone."""
    if value is None:
        return Markup("")
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(value // MICROSECONDS))
    return Markup('<time datetime="{}" data-moment>{} UTC</time>').format(iso(value), text)


def ago(value: int | None) -> Markup:
    """How long ago a point in time is, which scripts keep right; pointing at it shows the time itself."""
    if value is None:
        return Markup("")
    shown = iso(value)
    return Markup('<time datetime="{}" data-ago title="{}">{}</time>').format(shown, shown, _age(now() - value))


def _age(microseconds: int) -> str:
    seconds = microseconds // MICROSECONDS
    return next((f"{seconds // size} {unit} ago" for size, unit in _AGES if seconds >= size), "just now")


def elapsed(run: Run) -> Markup:
    """A run's duration; that of one that goes on ticks."""
    seconds = run.elapsed_seconds(now())
    if seconds is None:
        return Markup("")
    if run.started_at is None or run.ended_at is not None or run.status.is_terminal:
        return Markup("{}").format(duration(seconds))
    return Markup('<span data-ticks="{}">{}</span>').format(iso(run.started_at), duration(seconds))


def number(value: object) -> str:
    """A metric's value: a whole number in full below 1e15, any other in six digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    magnitude = abs(value)
    if magnitude < _LONG and value == math.trunc(value):
        return str(math.trunc(value))
    if magnitude > sys.float_info.max:  # an integer of Python may be longer than any number of the machine
        return f"{Decimal(value):.6g}"
    return f"{value:.6g}"


def count(value: int) -> str:
    """A number of things, with its thousands apart."""
    return f"{value:,}"


def status_kind(status: RunStatus) -> str:
    """Which colour a status has: good, bad, off, waiting or active."""
    return _KINDS.get(status, "active")


def is_active(status: RunStatus) -> bool:
    """Whether a run in this status can still be cancelled."""
    return status not in TERMINAL_STATUSES


def for_script(value: Any) -> str:
    """A value as JSON, for an attribute that a script reads; infinities are written as text."""
    return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


FILTERS: Mapping[str, Callable[..., Any]] = {
    "ago": ago,
    "count": count,
    "duration": duration,
    "elapsed": elapsed,
    "for_script": for_script,
    "is_active": is_active,
    "moment": moment,
    "number": number,
    "size": size_in_words,
    "status_kind": status_kind,
}
