"""The times at which schedules start."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.recurrence import WEEK_DAYS, Recurrence
from mlrun_cli.pipelines.time_zones import get_time_zone, normalize_time_zone
from tests.sdk.driving import run_alone

CREATED = datetime(2026, 1, 14, 10, 17, 30, tzinfo=timezone.utc)  # a Wednesday


def read(**values: Any) -> Recurrence:
    recurrence = Recurrence.from_json(JsonReader({"interval": 1, **values}, "recurrence"))
    assert Recurrence.from_json(JsonReader(recurrence.to_json(), "recurrence")) == recurrence
    return recurrence


def to_timestamp(moment: datetime) -> int:
    return int(moment.timestamp()) * MICROSECONDS


def list_times(recurrence: Recurrence, count: int, created: datetime = CREATED, zone: str = "UTC") -> list[str]:
    """Return the first times of a schedule, in a zone."""
    found = [recurrence.compute_first_time(to_timestamp(created))]
    while len(found) < count:
        found.append(recurrence.compute_next_time(found[-1], to_timestamp(created)))
    return [datetime.fromtimestamp(one / MICROSECONDS, ZoneInfo(zone)).strftime("%m-%d %H:%M:%S") for one in found]


@pytest.mark.parametrize(
    ("values", "times"),
    [
        ({"frequency": "Minute", "interval": 15}, ["01-14 10:17:30", "01-14 10:32:30", "01-14 10:47:30"]),
        ({"frequency": "Hour", "start_time": "2020-01-13T12:55:00"}, ["01-14 10:55:00", "01-14 11:55:00"]),
        ({"frequency": "Hour", "interval": 12, "start_time": "2026-02-01"}, ["02-01 00:00:00", "02-01 12:00:00"]),
        ({"frequency": "Day", "interval": 2}, ["01-14 10:17:30", "01-16 10:17:30", "01-18 10:17:30"]),
        (
            {"frequency": "Day", "hours": [18, 6], "minutes": [30]},
            ["01-14 10:17:30", "01-14 18:30:00", "01-15 06:30:00"],
        ),
        ({"frequency": "Day", "hours": [9]}, ["01-14 10:17:30", "01-15 09:00:00", "01-16 09:00:00"]),
        ({"frequency": "Day", "hours": [9], "start_time": "2026-01-15T09:00"}, ["01-16 09:00:00", "01-17 09:00:00"]),
        ({"frequency": "Day", "hours": [9], "start_time": "2026-01-15T08:00"}, ["01-15 09:00:00", "01-16 09:00:00"]),
        ({"frequency": "Week", "week_days": ["Monday"], "hours": [8]}, ["01-14 10:17:30", "01-19 08:00:00"]),
        (
            {"frequency": "Week", "interval": 2, "week_days": ["Friday", "Tuesday"], "start_time": "2026-01-14T07:00"},
            ["01-16 07:00:00", "01-27 07:00:00", "01-30 07:00:00"],
        ),
        (
            {"frequency": "Month", "start_time": "2025-10-31T09:00:00"},
            ["01-31 09:00:00", "02-28 09:00:00", "03-31 09:00:00", "04-30 09:00:00"],
        ),
        ({"frequency": "Month", "interval": 3, "start_time": "2025-11-05"}, ["02-05 00:00:00", "05-05 00:00:00"]),
    ],
)
def test_times_follow_from_frequency_interval_and_start(values: dict[str, Any], times: list[str]) -> None:
    assert list_times(read(**values), len(times)) == times


def test_times_of_a_day_keep_to_the_clock_of_their_zone() -> None:
    recurrence = read(frequency="Day", hours=[2], minutes=[30], time_zone="WEuropeStandardTime")
    assert recurrence.time_zone == "W. Europe Standard Time"
    spring = datetime(2026, 3, 27, 12, tzinfo=timezone.utc)
    times = ["03-27 13:00:00", "03-28 02:30:00", "03-29 03:30:00", "03-30 02:30:00"]
    assert list_times(recurrence, 4, spring, "Europe/Berlin") == times
    autumn = datetime(2026, 10, 24, 12, tzinfo=timezone.utc)
    assert list_times(recurrence, 3, autumn, "Europe/Berlin")[1:] == ["10-25 02:30:00", "10-26 02:30:00"]


@pytest.mark.parametrize(
    ("values", "time"),
    [
        ({"frequency": "Minute", "interval": 15}, "01-14 10:17:30"),
        ({"frequency": "Day", "hours": [9]}, "01-15 09:00:00"),
        ({"frequency": "Week", "week_days": ["Monday"]}, "01-19 10:17:30"),
        ({"frequency": "Month", "start_time": "2025-10-31T09:00:00"}, "01-31 09:00:00"),
    ],
)
def test_a_schedule_that_is_enabled_again_keeps_to_its_times_of_the_day(values: dict[str, Any], time: str) -> None:
    found = read(**values).compute_time_after_enabling(to_timestamp(CREATED))
    assert datetime.fromtimestamp(found / MICROSECONDS, timezone.utc).strftime("%m-%d %H:%M:%S") == time


@given(
    interval=st.integers(1, 5),
    days=st.sets(st.sampled_from(WEEK_DAYS), min_size=1),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    start=st.integers(-400, 400),
    after=st.integers(0, 400 * 24 * 60),
)
def test_a_next_time_of_weeks_is_the_first_minute_that_fits(
    interval: int, days: set[str], hours: set[int], start: int, after: int
) -> None:
    first = CREATED.replace(hour=0, minute=0, second=0) + timedelta(days=start)
    recurrence = read(
        frequency="Week",
        interval=interval,
        week_days=sorted(days),
        hours=sorted(hours),
        start_time=first.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    moment = CREATED + timedelta(minutes=after)
    found = recurrence.compute_next_time(to_timestamp(moment), to_timestamp(CREATED))
    monday = first - timedelta(days=first.weekday())
    hour = max(moment, first).replace(minute=0, second=0) + timedelta(hours=1)
    while not ((hour - monday).days // 7 % interval == 0 and WEEK_DAYS[hour.weekday()] in days and hour.hour in hours):
        hour += timedelta(hours=1)
    assert found == to_timestamp(hour)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"frequency": "day"}, "frequency"),
        ({"frequency": "Day", "interval": 0}, "interval"),
        ({"frequency": "Minute", "hours": [1]}, "hours"),
        ({"frequency": "Month", "minutes": [1]}, "minutes"),
        ({"frequency": "Day", "week_days": ["Monday"]}, "week_days"),
        ({"frequency": "Week", "week_days": ["monday"]}, "week_days"),
        ({"frequency": "Day", "hours": [24]}, "hours"),
        ({"frequency": "Day", "start_time": "tomorrow"}, "start_time"),
    ],
)
def test_a_wrong_recurrence_is_refused_by_its_key(values: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidValue) as error:
        read(**values)
    assert error.value.target == f"recurrence.{key}"


def test_zones_of_azure_and_of_iana_are_known_and_no_others() -> None:
    assert normalize_time_zone("UTC") == "UTC"
    assert normalize_time_zone("Europe/Berlin") == "Europe/Berlin"
    assert normalize_time_zone("Tokyo Standard Time") == normalize_time_zone("TokyoStandardTime")
    with pytest.raises(InvalidValue):
        normalize_time_zone("../etc/passwd")


def test_every_zone_of_the_sdk_is_one_of_iana() -> None:
    names = run_alone("""
        import json
        from azureml.pipeline.core.schedule import TimeZone
        print(json.dumps([zone.value for zone in TimeZone]))
    """)
    assert len(names) > 100
    for name in names:
        assert get_time_zone(name).utcoffset(CREATED) is not None
