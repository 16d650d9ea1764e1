"""A bound of time as it is typed: a day, a moment, or how long ago."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import UsageError

_SPAN = re.compile(r"([0-9]{1,6}) ?(min|h|d|w)")
_SECONDS = {"min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = "Write 30min, 12h, 7d or 2w for how long ago, 2026-01-31 for a day, or 2026-01-31T09:30 for a moment."


def time_bound(text: str, now: int, *, is_end: bool = False) -> int:
    """The moment, in microseconds; of a day its beginning in UTC, or when it is to be the end, that of the next.

    Args:
        text: what was typed.
        now: the moment that spans end at, in microseconds.
        is_end: whether times before it are meant, not those after it.

    Raises:
        UsageError: it is none of these.
    """
    if span := _SPAN.fullmatch(text):
        return max(0, now - int(span[1]) * _SECONDS[span[2]] * MICROSECONDS)
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
        if is_end and _DAY.fullmatch(text):
            moment += timedelta(days=1)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        raise UsageError(f"'{shown}' is no time.", hint=_EXAMPLE) from None
    return int(seconds * MICROSECONDS)
