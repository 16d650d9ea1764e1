"""Recurrences: the times at which a schedule starts its pipeline."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.time_zones import UTC, get_time_zone, normalize_time_zone

FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_SECONDS = {"Minute": 60, "Hour": 3600}
_FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_WITH_TIMES = ("Day", "Week")


class Recurrence(NamedTuple):
    """The frequency and times at which a pipeline is started; times are in microseconds since 1970.

    Attributes:
        frequency: one of `FREQUENCIES`.
        interval: how many of these lie between two starts.
        start_time: the local time of the first start, in ISO format; None means that of its creation.
        time_zone: the name of the zone of all times.
        hours, minutes: the times of a day, for days and weeks; without both it is that of the start time, without
            hours its hour, and without minutes the full hour.
        week_days: the days of a week; empty means that of the start time.
    """

    frequency: str
    interval: int
    start_time: str | None = None
    time_zone: str = UTC
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    week_days: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the recurrence as a JSON-compatible dict."""
        lists = {name: list(getattr(self, name)) for name in ("hours", "minutes", "week_days")}
        return {**self._asdict(), **lists}

    @classmethod
    def from_json(cls, reader: JsonReader) -> Recurrence:
        """Create a recurrence from a JSON object.

        Raises:
            InvalidValue: a value is out of its range, or one of another frequency.
        """
        found = cls(
            frequency=reader.get_choice("frequency", FREQUENCIES),
            interval=_read_interval(reader),
            start_time=_read_start_time(reader),
            time_zone=normalize_time_zone(reader.find_text("time_zone") or UTC),
            hours=_read_numbers(reader, "hours", 23),
            minutes=_read_numbers(reader, "minutes", 59),
            week_days=reader.find_text_list("week_days"),
        )
        for name, frequencies in (("hours", _WITH_TIMES), ("minutes", _WITH_TIMES), ("week_days", ("Week",))):
            if getattr(found, name) and found.frequency not in frequencies:
                raise reader.build_error(f"only the frequency {' or '.join(frequencies)} has them", name)
        if not set(found.week_days) <= set(WEEK_DAYS):
            raise reader.build_error(f"the days of a week are {', '.join(WEEK_DAYS)}", "week_days")
        return found

    def compute_first_time(self, created_at: int) -> int:
        """Return the first start time, in microseconds, of a schedule that was created at `created_at`.

        Without a start time it is that time itself, whatever the times of the day, as Azure's reference of
        `ScheduleRecurrence` says. A start time that has passed counts only for the steps from it.
        """
        return created_at if self.start_time is None else self.compute_next_time(created_at, created_at)

    def compute_time_after_enabling(self, enabled_at: int) -> int:
        """Return the first start time of a schedule that was enabled again at `enabled_at`, both in microseconds.

        Without a start time and without times of the day it is that time itself.
        """
        if self.hours or self.minutes or self.week_days:
            return self.compute_next_time(enabled_at, enabled_at)
        return self.compute_first_time(enabled_at)

    def compute_next_time(self, after: int, created_at: int) -> int:
        """Return the first start time that is later than `after`, both in microseconds.

        A start time at one of the times of the day is none, as Azure's reference of `ScheduleRecurrence` says.
        """
        zone = get_time_zone(self.time_zone)
        start = self._get_start(created_at)
        if self.frequency in _SECONDS:
            return self._compute_next_interval_time(after, _to_timestamp(start))
        first = _to_timestamp(start) if self.hours or self.minutes else _to_timestamp(start) - 1
        earliest = max(after, first)
        local = datetime.fromtimestamp(earliest / MICROSECONDS, zone).date() - timedelta(days=1)
        for day in self._iterate_start_days(start.date(), max(local, start.date())):
            for time_of_day in self._list_times_of_day(start):
                timestamp = _to_timestamp(datetime.combine(day, time_of_day, zone))
                if timestamp > earliest:
                    return timestamp
        raise AssertionError("days never end")

    def _get_start(self, created_at: int) -> datetime:
        zone = get_time_zone(self.time_zone)
        if self.start_time is None:
            return datetime.fromtimestamp(created_at // MICROSECONDS, zone)
        return _parse_time(self.start_time).replace(tzinfo=zone)

    def _list_times_of_day(self, start: datetime) -> list[time]:
        """Return the times of day at which runs are started, in order."""
        if not self.hours and not self.minutes:
            return [start.time().replace(microsecond=0)]
        hours, minutes = sorted(set(self.hours)) or [start.hour], sorted(set(self.minutes)) or [0]
        return [time(hour, minute) for hour in hours for minute in minutes]

    def _compute_next_interval_time(self, after: int, start: int) -> int:
        """Return the first time later than `after` that is at a whole number of intervals from `start`.

        All times are in microseconds.
        """
        step = self.interval * _SECONDS[self.frequency] * MICROSECONDS
        return start if after < start else start + ((after - start) // step + 1) * step

    def _iterate_start_days(self, start_day: date, first_day: date) -> Iterator[date]:
        """Yield the days on which runs are started, from `first_day` on; intervals count from `start_day`."""
        if self.frequency == "Month":
            yield from self._iterate_month_days(start_day, first_day)
            return
        if self.frequency == "Day":
            behind = -(first_day - start_day).days % self.interval
            day = first_day + timedelta(days=behind)
            while True:
                yield day
                day += timedelta(days=self.interval)
        monday = start_day - timedelta(days=start_day.weekday())
        wanted = {WEEK_DAYS.index(day) for day in self.week_days} or {start_day.weekday()}
        day = first_day
        while True:
            if ((day - monday).days // 7) % self.interval == 0 and day.weekday() in wanted:
                yield day
            day += timedelta(days=1)

    def _iterate_month_days(self, start_day: date, first_day: date) -> Iterator[date]:
        """Yield the day of the month of `start_day` in each due month, or the last day of a shorter month."""
        count = (first_day.year - start_day.year) * 12 + first_day.month - start_day.month
        count -= count % self.interval
        while True:
            year, month = divmod(start_day.year * 12 + start_day.month - 1 + count, 12)
            day = date(year, month + 1, min(start_day.day, monthrange(year, month + 1)[1]))
            if day >= first_day:
                yield day
            count += self.interval

    def describe(self) -> str:
        """Return a description of the recurrence, for example `every 2 days at 06:30, UTC`."""
        unit = self.frequency.lower()
        text = f"every {unit}" if self.interval == 1 else f"every {self.interval} {unit}s"
        if self.week_days:
            text += f" on {', '.join(self.week_days)}"
        if self.hours:
            times = [f"{hour:02}:{minute:02}" for hour in self.hours for minute in self.minutes or (0,)]
            text += f" at {', '.join(times)}"
        return f"{text}, {self.time_zone}" if self.frequency not in _SECONDS else text


def _to_timestamp(local_time: datetime) -> int:
    """Return a local time as a timestamp in microseconds; a time skipped by a clock change is moved past the gap."""
    whole = local_time.astimezone(timezone.utc)
    return int(whole.timestamp()) * MICROSECONDS


def _read_interval(reader: JsonReader) -> int:
    interval = reader.find_integer("interval")
    if interval is None or interval < 1:
        raise reader.build_error("expected a whole number above 0", "interval")
    return interval


def _read_start_time(reader: JsonReader) -> str | None:
    text = reader.find_text("start_time")
    if text is None:
        return None
    try:
        return _parse_time(text).strftime(_FORMS[0])
    except ValueError as error:
        raise reader.build_error("expected a time such as 2026-01-31T15:30:00", "start_time") from error


def _parse_time(text: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(text)


def _read_numbers(reader: JsonReader, key: str, maximum: int) -> tuple[int, ...]:
    found = reader.find_list(key)
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= maximum for one in found):
        raise reader.build_error(f"expected numbers from 0 to {maximum}", key)
    return tuple(found)
