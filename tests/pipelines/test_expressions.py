"""Expressions in the parameters of schedules; expected values are those of Azure's documents of these functions."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.expressions import ExpressionContext, evaluate_expression, is_expression

_NOW = int(datetime(2022, 3, 1, 9, 30, 15, tzinfo=timezone.utc).timestamp()) * MICROSECONDS + 250_000
_CONTEXT = ExpressionContext(_NOW - 15_250_000, _NOW, "run-1", "Ada")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@trigger().scheduledTime", "2022-03-01T09:30:00.0000000Z"),
        ("@trigger().startTime", "2022-03-01T09:30:15.2500000Z"),
        ("@utcNow()", "2022-03-01T09:30:15.2500000Z"),
        ("@utcNow('D')", "Tuesday, 01 March 2022"),
        ("@formatDateTime(subtractFromTime(utcNow(),1,'Day'),'yyyy-MM-dd')", "2022-02-28"),
        ("@addMinutes(trigger().scheduledTime, 10)", "2022-03-01T09:40:00.0000000Z"),
        ("@createdBy()", "Ada"),
        ("@runId()", "run-1"),
        ("@dayOfMonth('2022-01-01 08:00:00')", 1),
        ("@dayOfWeek('2022-01-01 08:00:00')", 6),
        ("@dayOfWeek('2022-01-02')", 0),
        ("@dayOfYear('2020-12-31T23:59:59Z')", 366),
        ("@addDays('2018-03-15T13:00:00Z', -10, 'yyyy/M/d h:mm tt')", "2018/3/5 1:00 PM"),
        ("@addHours('2018-03-15T00:00:00Z', 10)", "2018-03-15T10:00:00.0000000Z"),
        ("@addSeconds('2018-03-15T00:00:00+01:00', 5)", "2018-03-15T00:00:05.0000000+01:00"),
        ("@addToTime('2018-01-31T00:00:00Z', 1, 'Month', 's')", "2018-02-28T00:00:00"),
        ("@subtractFromTime('2020-02-29T00:00:00Z', 1, 'Year', 'd')", "02/28/2019"),
        ("@convertFromUtc('2018-02-02T02:20:00Z', 'Pacific Standard Time')", "2018-02-01T18:20:00.0000000"),
        ("@convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time')", "2018-01-01T08:00:00.0000000Z"),
        ("@convertTimeZone('2018-02-02T02:20:00Z', 'UTC', 'Tokyo Standard Time', 'g')", "02/02/2018 11:20"),
        ("@formatDateTime('03/15/2018')", "2018-03-15T00:00:00.0000000"),
        ("@formatDateTime('2018-03-15T00:00:00+01:00', 'u')", "2018-03-14 23:00:00Z"),
        ("@formatDateTime('2018-03-15', '''of'' %d zzz ddd MMM yy')", "of 15 +00:00 Thu Mar 18"),
        ("@startOfDay('2018-03-15T13:30:30.5Z')", "2018-03-15T00:00:00.0000000Z"),
        ("@startOfHour('2018-03-15T13:30:30Z', 'HH:mm:ss.FF')", "13:00:00."),
        ("@startOfMonth('2018-03-15T13:30:30Z', 'r')", "Thu, 01 Mar 2018 00:00:00 GMT"),
    ],
)
def test_an_expression_has_the_value_of_its_documents(text: str, value: str | int) -> None:
    assert is_expression(text)
    assert evaluate_expression(text, _CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("@utcnow()", "no function 'utcnow'"),
        ("@concat('a', 'b')", "no function 'concat'"),
        ("@pipeline().RunId", "no function 'pipeline'"),
        ("@{utcNow()}", "position"),
        ("@trigger().outputs", "scheduledTime and startTime"),
        ("@addDays(utcNow())", "2 or 3 arguments, not 1"),
        ("@addDays(utcNow(), '1')", "not a whole number"),
        ("@dayOfWeek(7)", "not text"),
        ("@dayOfWeek('yesterday')", "no timestamp"),
        ("@dayOfWeek('2022-02-30')", "no timestamp"),
        ("@addToTime(utcNow(), 1, 'day')", "no unit of time"),
        ("@addDays(utcNow(), 99999999)", "no calendar"),
        ("@addToTime(utcNow(), 8000, 'Year')", "no calendar"),
        ("@utcNow('Q')", "no format"),
        ("@utcNow('yyyy QQ')", "no part of a format"),
        ("@convertFromUtc(utcNow(), 'Nowhere')", "Nowhere"),
        ("@utcNow() and", "position"),
        ("@addDays(utcNow(), 1", "position"),
        (f"@addDays(utcNow(), {'1' * 5000})", "position"),
        ("@" + "utcNow(" * 2000, "calls"),
    ],
)
def test_a_wrong_expression_is_refused_by_what_is_wrong(text: str, part: str) -> None:
    assert is_expression(text)
    with pytest.raises(InvalidValue, match="expression") as caught:
        evaluate_expression(text, _CONTEXT)
    assert part in caught.value.message


@pytest.mark.parametrize("value", ["@ada", "a@b.c(d)", "utcNow()", "", 7, None])
def test_other_values_are_no_expressions(value: object) -> None:
    assert not is_expression(value)
