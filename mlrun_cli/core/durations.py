"""Parsing and formatting of durations and points in time."""

from __future__ import annotations

import re

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidDuration, InvalidTime

_DURATION = r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)?"  # compiled when it is used: most commands have none
_SECONDS = {None: 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LONGEST_SECONDS = 36_500 * 86_400
_MAX_SHOWN = 60
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_AGE_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def parse_duration(text: str, *, needs_unit: bool = False) -> float:
    """Parse a duration such as `90`, `90s`, `10m`, `10min`, `1.5h`, `2d` or `1w` and return it in seconds.

    Args:
        text: the text as typed, case-insensitive.
        needs_unit: reject a number without a unit, as for a duration that decides what is deleted.

    Raises:
        InvalidDuration: it is not a duration, lacks a required unit, or is longer than a hundred years.
    """
    match = re.fullmatch(_DURATION, text.strip().lower())
    shown = _shorten_text(text)
    if match is None or match[2] not in _SECONDS:
        raise InvalidDuration(f"'{shown}' is not a duration.", hint="Use 30s, 10m, 2h, 7d or 2w.")
    if match[2] is None and needs_unit:
        raise InvalidDuration(
            f"'{shown}' has no unit.",
            hint=f"Add seconds, minutes, hours or days: {', '.join(f'{shown}{u}' for u in 'smhd')}.",
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_SECONDS:
        raise InvalidDuration(f"'{shown}' is longer than a hundred years.", hint="Use at most 36500d.")
    return seconds


def parse_time(text: str, now: int, *, is_end: bool = False) -> int:
    """Parse a day, an ISO 8601 time, or a duration before `now`, and return the time in microseconds.

    A day means its start in UTC or, with `is_end`, the start of the next day.

    Args:
        text: the text as typed.
        now: the time from which durations are counted back, in microseconds.
        is_end: interpret the text as the end of a range, not its start.

    Raises:
        InvalidTime: the text is none of these.
    """
    from datetime import datetime, timedelta, timezone  # noqa: PLC0415 - slow to import, and few commands have times

    if re.fullmatch(r"[0-9.]+\s*[A-Za-z]+", text):
        try:
            return max(0, now - int(parse_duration(text, needs_unit=True) * MICROSECONDS))
        except InvalidDuration as error:
            raise InvalidTime(error.message, hint=error.hint) from None
    try:
        found = datetime.fromisoformat(text.removesuffix("Z"))
        if is_end and re.fullmatch(_DAY, text):
            found += timedelta(days=1)
        seconds = (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidTime(
            f"'{_shorten_text(text)}' is not a time.",
            hint="Use 30m, 12h, 7d or 2w for how long ago, 2026-01-31 for a day, or 2026-01-31T09:30.",
        ) from None
    return int(seconds * MICROSECONDS)


def parse_begin_time(text: str, now: int) -> int:
    """Parse a time in the future: `+2h`, `22:00`, `2026-12-01` or `2026-12-01T09:00`; return it in microseconds.

    A time without an offset is that of this machine's time zone, and one without a day is the next such time.

    Args:
        text: the text as typed.
        now: the current time, in microseconds.

    Raises:
        InvalidTime: the text is none of these, or in the past.
    """
    from datetime import datetime, timedelta  # noqa: PLC0415 - slow to import, and few commands have times

    current = datetime.fromtimestamp(now / MICROSECONDS).astimezone()
    try:
        if text.startswith("+"):
            return now + int(parse_duration(text[1:], needs_unit=True) * MICROSECONDS)
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", text):
            hours, minutes = map(int, text.split(":"))
            found = current.replace(hour=hours, minute=minutes, second=0, microsecond=0)
            found = found if found > current else found + timedelta(days=1)
        else:
            found = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
        moment = int(found.timestamp() * MICROSECONDS)
    except (InvalidDuration, ValueError, OverflowError):
        raise InvalidTime(
            f"'{_shorten_text(text)}' is not a time to begin.",
            hint="Use +2h, 22:00, 2026-12-01 or 2026-12-01T09:00.",
        ) from None
    if moment < now:
        raise InvalidTime(f"'{_shorten_text(text)}' is in the past.", hint="Leave it out to start at once.")
    return moment


def format_clock(seconds: float) -> str:
    """Format seconds as `h:mm:ss`, without splitting hours into days."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def format_age(seconds: float) -> str:
    """Format an age in seconds as `just now`, `3 min ago`, `2 h ago` or `5 d ago`."""
    for size, unit in _AGE_UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def _shorten_text(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
