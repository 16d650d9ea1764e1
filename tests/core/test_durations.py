from __future__ import annotations

import time

import pytest

from mlrun_cli.core.durations import format_age, format_clock, parse_begin_time, parse_duration, parse_time
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidDuration, InvalidTime


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0:00:00"), (59.9, "0:00:59"), (3600, "1:00:00"), (360_061, "100:01:01")]
)
def test_a_clock_counts_hours_without_end(seconds: float, shown: str) -> None:
    assert format_clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (3_600, "1 h ago"), (86_400, "1 d ago")],
)
def test_an_age_has_one_unit(seconds: float, shown: str) -> None:
    assert format_age(seconds) == shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5 H", 5400), ("10m", 600), ("10min", 600), ("2d", 172_800), ("1w", 604_800)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5 parsecs", "1m30", "36501d", "9" * 400])
def test_other_texts_are_not_durations(text: str) -> None:
    with pytest.raises(InvalidDuration) as caught:
        parse_duration(text)
    assert len(caught.value.message) < 150


def test_what_decides_over_removal_needs_a_unit() -> None:
    assert parse_duration("30d", needs_unit=True) == 30 * 86_400
    with pytest.raises(InvalidDuration) as caught:
        parse_duration("30", needs_unit=True)
    assert "30d" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["7d", "12h", "30min", "30m", "2w", "90s"])
def test_a_time_may_be_a_duration_ago(text: str) -> None:
    now = 10_000_000 * MICROSECONDS
    assert parse_time(text, now) == now - parse_duration(text) * MICROSECONDS


@pytest.mark.parametrize("text", ["", "30", "now", "2026-13-01", "7x", "99999w" * 30])
def test_other_texts_are_not_times(text: str) -> None:
    with pytest.raises(InvalidTime):
        parse_time(text, 0)


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "is_end", "moment"),
    [
        ("7d", False, 93 * DAY),
        ("2 w", False, 86 * DAY),
        ("12h", False, 100 * DAY - DAY // 2),
        ("1970-01-03", False, 2 * DAY),
        ("1970-01-03", True, 3 * DAY),
        ("1970-01-03T12:00", True, 2 * DAY + DAY // 2),
        ("1970-01-03 12:00Z", False, 2 * DAY + DAY // 2),
        ("1970-01-03T12:00+12:00", False, 2 * DAY),
    ],
)
def test_a_time_is_a_day_a_time_or_how_long_ago(text: str, is_end: bool, moment: int) -> None:
    assert parse_time(text, 100 * DAY, is_end=is_end) == moment


@pytest.mark.parametrize("text", ["yesterday", "7", "7y", "2026-02-30", "7", "9999-12-31", "٣d"])
def test_another_end_of_a_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidTime):
        parse_time(text, 0, is_end=True)


_NOON = 1_793_966_400 * MICROSECONDS


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("+2h", 2),
        ("+90m", 1.5),
        ("13:00", 1),
        ("9:30", 21.5),
        ("12:00", 24),
        ("2026-11-07", 12),
        ("2026-11-06T14:00", 2),
        ("2026-11-06T16:00+02:00", 2),
        ("2026-11-06T14:00Z", 2),
    ],
)
def test_a_begin_is_a_time_in_the_future(text: str, hours: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    assert parse_begin_time(text, _NOON) == _NOON + hours * 3600 * MICROSECONDS


@pytest.mark.parametrize("text", ["", "+", "+2", "2h", "25:00", "noon", "2026-11-05", "2026-11-06T11:59"])
def test_other_texts_are_no_begin(text: str) -> None:
    with pytest.raises(InvalidTime):
        parse_begin_time(text, _NOON)
