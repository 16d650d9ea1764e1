"""Dates and times in the formats of .NET, which expressions in the parameters of schedules use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue

ROUND_TRIP = "yyyy-MM-ddTHH:mm:ss.fffffffK"
"""The format `o`."""

_STANDARD_FORMATS: Mapping[str, str] = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": ROUND_TRIP,
    "O": ROUND_TRIP,
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
"""The single letters, as patterns of the invariant culture."""
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PART = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>[^"]*)"|\\(?P<escaped>.)|%?(?P<letters>(?P<letter>[a-zA-Z])(?P=letter)*)|(?P<other>.)""",
    re.DOTALL,
)
_TEXT = re.compile(
    r"(?:(?P<date>\d{4}-\d{1,2}-\d{1,2})|(?P<american>\d{1,2}/\d{1,2}/\d{4}))"
    r"(?:[T ](?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:\.(?P<fraction>\d{1,9}))?)?"
    r" ?(?P<zone>Z|[+-]\d{2}:\d{2})?"
)


class Timestamp(NamedTuple):
    """A local time, and its offset from UTC.

    Attributes:
        local: the time, without a zone.
        offset: the offset; None if the text of the time had none.
        is_utc: whether the offset is written as Z.
    """

    local: datetime
    offset: timedelta | None = None
    is_utc: bool = False

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Parse a timestamp such as `2022-01-31T08:00:00.5Z`, `2022-01-31 08:00:00` or `01/31/2022`.

        Raises:
            InvalidValue: it is no such text.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise InvalidValue(f"'{text}' is no timestamp.", hint="Write it as 2026-01-31T15:30:00Z.")
        form = "%Y-%m-%d" if found["date"] else "%m/%d/%Y"
        clock = found["time"] or "0:00"
        clock_form = "%H:%M:%S" if clock.count(":") > 1 else "%H:%M"
        try:
            local = datetime.strptime(f"{found['date'] or found['american']} {clock}", f"{form} {clock_form}")
            offset = _parse_offset(found["zone"])
        except ValueError as error:
            raise InvalidValue(
                f"'{text}' is no timestamp: {error}.", hint="Write it as 2026-01-31T15:30:00Z."
            ) from error
        fraction = int((found["fraction"] or "").ljust(6, "0")[:6])
        return cls(local.replace(microsecond=fraction), offset, found["zone"] == "Z")

    @classmethod
    def from_microseconds(cls, timestamp: int) -> Timestamp:
        """Create a UTC timestamp from a time in microseconds since the epoch."""
        return cls(datetime(1970, 1, 1) + timedelta(microseconds=timestamp), timedelta(0), is_utc=True)

    def to_utc(self) -> datetime:
        """Return the time as a naive datetime in UTC; a time without an offset is assumed to be in UTC."""
        return self.local - (self.offset or timedelta(0))

    def format(self, pattern: str = ROUND_TRIP) -> str:
        """Return the time in a standard or custom format of .NET, in English.

        Raises:
            InvalidValue: there is no such format.
        """
        if len(pattern) == 1:
            if pattern not in _STANDARD_FORMATS:
                raise InvalidValue(f"'{pattern}' is no format.", hint=f"Single letters: {' '.join(_STANDARD_FORMATS)}.")
            is_utc_form = pattern in "rRu"
            found = Timestamp(self.to_utc(), timedelta(0), is_utc=True) if is_utc_form else self
            return found.format(_STANDARD_FORMATS[pattern])
        return "".join(self._format_part(one) for one in _PART.finditer(pattern))

    def _format_part(self, part: re.Match[str]) -> str:
        for name in ("single", "double", "escaped", "other"):
            if part[name] is not None:
                return part[name]
        letters, letter = part["letters"], part["letter"]
        if letter in "fF" and len(letters) <= 7:
            digits = f"{self.local.microsecond:06}0"[: len(letters)]
            return digits if letter == "f" else digits.rstrip("0")
        if letter == "K" and len(letters) == 1:
            return "Z" if self.is_utc else _format_offset(self.offset)
        if letter == "z":
            return _format_offset(self.offset or timedelta(0))[: None if len(letters) > 2 else 3]
        if letters not in _PARTS:
            if letter in "TZ" and len(letters) == 1:  # .NET copies letters that mean nothing
                return letter
            raise InvalidValue(f"'{letters}' is no part of a format.", hint="Put text between single quotes, doubled.")
        return _PARTS[letters](self.local)


_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "d": lambda time: str(time.day),
    "dd": lambda time: f"{time.day:02}",
    "ddd": lambda time: _DAYS[time.weekday()][:3],
    "dddd": lambda time: _DAYS[time.weekday()],
    "h": lambda time: str(time.hour % 12 or 12),
    "hh": lambda time: f"{time.hour % 12 or 12:02}",
    "H": lambda time: str(time.hour),
    "HH": lambda time: f"{time.hour:02}",
    "m": lambda time: str(time.minute),
    "mm": lambda time: f"{time.minute:02}",
    "M": lambda time: str(time.month),
    "MM": lambda time: f"{time.month:02}",
    "MMM": lambda time: _MONTHS[time.month - 1][:3],
    "MMMM": lambda time: _MONTHS[time.month - 1],
    "s": lambda time: str(time.second),
    "ss": lambda time: f"{time.second:02}",
    "t": lambda time: "AP"[time.hour // 12],
    "tt": lambda time: ("AM", "PM")[time.hour // 12],
    "y": lambda time: str(time.year % 100),
    "yy": lambda time: f"{time.year % 100:02}",
    "yyyy": lambda time: f"{time.year:04}",
}


def _parse_offset(zone: str | None) -> timedelta | None:
    if zone is None:
        return None
    if zone == "Z":
        return timedelta(0)
    hours, minutes = (int(one) for one in zone[1:].split(":"))
    offset = timedelta(hours=hours, minutes=minutes)
    timezone(offset)  # at most a day
    return -offset if zone[0] == "-" else offset


def _format_offset(offset: timedelta | None) -> str:
    if offset is None:
        return ""
    minutes = int(abs(offset).total_seconds()) // 60
    return f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"
