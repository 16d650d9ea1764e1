"""Expressions in the parameters of schedules, as `@formatDateTime(subtractFromTime(utcNow(), 1, 'Day'), 'yyyy-MM-dd')`.

Their functions are those of Azure's notebook `aml-pipelines-schedule-with-pipeline-parameter-expressions`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.date_formats import ROUND_TRIP, Timestamp
from mlrun_cli.pipelines.time_zones import get_time_zone, normalize_time_zone

_CALL = re.compile(r"@(\s*[A-Za-z_]\w*\s*\(|\{)")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[+-]?\d{1,15}(?!\d))|(?P<name>[A-Za-z_]\w*)|(?P<sign>[(),.]))"
)
_SECONDS = {"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400, "Week": 7 * 86400}
_MONTHS = {"Month": 1, "Year": 12}
_SHOWN_LETTERS = 80


class ExpressionContext(NamedTuple):
    """The values that expressions can refer to; times are in microseconds since 1970.

    Attributes:
        scheduled_at: the time for which it is.
        started_at: the time at which it is submitted.
        run_id: its id.
        user_name: who submits it.
    """

    scheduled_at: int
    started_at: int
    run_id: str
    user_name: str


def is_expression(value: Any) -> bool:
    """Return whether a parameter's value is an expression: text that begins with `@` and a function call."""
    return isinstance(value, str) and _CALL.match(value) is not None


def evaluate_expression(text: str, context: ExpressionContext) -> str | int:
    """Return the value of an expression.

    Raises:
        InvalidValue: it has a function that there is not, or values that do not fit.
    """
    try:
        return _Parser(text, context).evaluate()
    except InvalidValue as error:
        error.add_context(f"the expression {text}")
        raise
    except OverflowError as error:
        raise InvalidValue(f"The expression {text} gives a time that no calendar has.") from error
    except RecursionError as error:
        raise InvalidValue(f"The expression {text[:_SHOWN_LETTERS]}… has too many calls within each other.") from error


class _Parser:
    """Evaluates the expression in a text from left to right."""

    def __init__(self, text: str, context: ExpressionContext) -> None:
        self._context = context
        self._text = text
        self._position = 1  # behind the @

    def evaluate(self) -> str | int:
        value = self._read_value()
        if self._text[self._position :].strip():
            raise self._build_error()
        return value

    def _read_value(self) -> str | int:
        kind, word = self._read_token()
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return int(word)
        if kind != "name":
            raise self._build_error()
        arguments = self._read_arguments()
        if word == "trigger" and not arguments:
            return self._read_trigger()
        if word not in _FUNCTIONS:
            near = get_close_matches(word.lower(), [name.lower() for name in _NAMES], 1)
            guess = next((name for name in _NAMES if near and name.lower() == near[0]), None)
            raise InvalidValue(
                f"There is no function '{word}'.",
                hint=f"{'' if guess is None else f'Did you mean {guess}? '}The functions are: {', '.join(_NAMES)}.",
                target=word,
            )
        return _FUNCTIONS[word].call(word, self._context, arguments)

    def _read_arguments(self) -> list[str | int]:
        if self._read_token()[1] != "(":
            raise self._build_error()
        if self._peek() == ")":
            self._read_token()
            return []
        arguments = [self._read_value()]
        while (sign := self._read_token()[1]) == ",":
            arguments.append(self._read_value())
        if sign != ")":
            raise self._build_error()
        return arguments

    def _read_trigger(self) -> str:
        times = {"scheduledTime": self._context.scheduled_at, "startTime": self._context.started_at}
        if self._read_token()[1] != "." or self._peek() not in times:
            raise InvalidValue(
                "Of a trigger there are scheduledTime and startTime.", hint="Write trigger().scheduledTime."
            )
        return Timestamp.from_microseconds(times[self._read_token()[1]]).format()

    def _peek(self) -> str:
        position = self._position
        word = self._read_token()[1]
        self._position = position
        return word

    def _read_token(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._position)
        if found is None or found.lastgroup is None:
            raise self._build_error()
        self._position = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _build_error(self) -> InvalidValue:
        return InvalidValue(
            f"It cannot be read from position {self._position + 1} on.",
            hint="It is one call with text in single quotes, as @addDays(utcNow(), -1, 'yyyy-MM-dd').",
        )


class _Function(NamedTuple):
    """A function, and the kinds of its arguments: `t` timestamp, `i` whole number, `s` text; after `?` optional."""

    kinds: str
    compute: Callable[..., str | int]

    def call(self, name: str, context: ExpressionContext, arguments: Sequence[str | int]) -> str | int:
        """Call the function with arguments and return its result.

        Raises:
            InvalidValue: their number or one of them does not fit.
        """
        required, _, optional = self.kinds.partition("?")
        kinds = required + optional
        if not len(required) <= len(arguments) <= len(kinds):
            number = len(kinds) if not optional else f"{len(required)} or {len(kinds)}"
            raise InvalidValue(f"{name}() has {number} arguments, not {len(arguments)}.", target=name)
        return self.compute(context, *(_read_argument(name, *pair) for pair in zip(kinds, arguments, strict=False)))


def _read_argument(name: str, kind: str, value: str | int) -> Timestamp | str | int:
    if isinstance(value, int) != (kind == "i"):
        raise InvalidValue(
            f"{name}(): '{value}' is not {'a whole number' if kind == 'i' else 'text in single quotes'}.", target=name
        )
    return Timestamp.parse(str(value)) if kind == "t" else value


def _create_seconds_adder(unit: int) -> Callable[..., str]:
    def add_seconds(_: ExpressionContext, time: Timestamp, count: int, form: str = ROUND_TRIP) -> str:
        return time._replace(local=time.local + timedelta(seconds=count * unit)).format(form)

    return add_seconds


def _create_units_adder(sign: int) -> Callable[..., str]:
    def add_units(_: ExpressionContext, time: Timestamp, count: int, unit: str, form: str = ROUND_TRIP) -> str:
        if unit in _SECONDS:
            return time._replace(local=time.local + timedelta(seconds=sign * count * _SECONDS[unit])).format(form)
        if unit not in _MONTHS:
            raise InvalidValue(f"'{unit}' is no unit of time.", hint=f"Units: {', '.join((*_SECONDS, *_MONTHS))}.")
        local = time.local
        year, month = divmod(local.year * 12 + local.month - 1 + sign * count * _MONTHS[unit], 12)
        if not datetime.min.year <= year <= datetime.max.year:
            raise OverflowError(year)
        day = min(local.day, monthrange(year, month + 1)[1])
        return time._replace(local=local.replace(year=year, month=month + 1, day=day)).format(form)

    return add_units


def _create_truncator(**fields: int) -> Callable[..., str]:
    def truncate(_: ExpressionContext, time: Timestamp, form: str = ROUND_TRIP) -> str:
        return time._replace(local=time.local.replace(microsecond=0, second=0, minute=0, **fields)).format(form)  # type: ignore[arg-type]

    return truncate


def _convert_from_utc(_: ExpressionContext, time: Timestamp, zone: str, form: str = ROUND_TRIP) -> str:
    """Convert a UTC time to a time zone, and return it as text, by default without an offset."""
    moment = time.to_utc().replace(tzinfo=timezone.utc)
    local = moment.astimezone(get_time_zone(normalize_time_zone(zone)))
    return Timestamp(local.replace(tzinfo=None)).format(form)


def _convert_to_utc(_: ExpressionContext, time: Timestamp, zone: str, form: str = ROUND_TRIP) -> str:
    """Convert a time in a time zone to UTC, and return it as text; an offset in the time overrides the zone."""
    return _get_utc_timestamp(time, zone).format(form)


def _convert_zone(context: ExpressionContext, time: Timestamp, source: str, zone: str, form: str = ROUND_TRIP) -> str:
    return _convert_from_utc(context, _get_utc_timestamp(time, source), zone, form)


def _get_utc_timestamp(time: Timestamp, zone: str) -> Timestamp:
    """Return the UTC timestamp of a time in a time zone; an offset in the time overrides the zone."""
    local_zone = get_time_zone(normalize_time_zone(zone))
    if time.offset is not None:
        return Timestamp(time.to_utc(), timedelta(0), is_utc=True)
    moment = time.local.replace(tzinfo=local_zone).astimezone(timezone.utc)
    return Timestamp(moment.replace(tzinfo=None), timedelta(0), is_utc=True)


def _format_time(_: ExpressionContext, time: Timestamp, form: str = ROUND_TRIP) -> str:
    return time.format(form)


def _format_current_time(context: ExpressionContext, form: str = ROUND_TRIP) -> str:
    return Timestamp.from_microseconds(context.started_at).format(form)


_FUNCTIONS: Mapping[str, _Function] = {
    "addDays": _Function("ti?s", _create_seconds_adder(86400)),
    "addHours": _Function("ti?s", _create_seconds_adder(3600)),
    "addMinutes": _Function("ti?s", _create_seconds_adder(60)),
    "addSeconds": _Function("ti?s", _create_seconds_adder(1)),
    "addToTime": _Function("tis?s", _create_units_adder(1)),
    "convertFromUtc": _Function("ts?s", _convert_from_utc),
    "convertTimeZone": _Function("tss?s", _convert_zone),
    "convertToUtc": _Function("ts?s", _convert_to_utc),
    "createdBy": _Function("", lambda context: context.user_name),
    "dayOfMonth": _Function("t", lambda _, time: time.local.day),
    "dayOfWeek": _Function("t", lambda _, time: time.local.isoweekday() % 7),
    "dayOfYear": _Function("t", lambda _, time: time.local.timetuple().tm_yday),
    "formatDateTime": _Function("t?s", _format_time),
    "runId": _Function("", lambda context: context.run_id),
    "startOfDay": _Function("t?s", _create_truncator(hour=0)),
    "startOfHour": _Function("t?s", _create_truncator()),
    "startOfMonth": _Function("t?s", _create_truncator(hour=0, day=1)),
    "subtractFromTime": _Function("tis?s", _create_units_adder(-1)),
    "utcNow": _Function("?s", _format_current_time),
}
_NAMES = (*_FUNCTIONS, "trigger")
