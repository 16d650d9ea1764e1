"""The values in comparisons: numbers, texts, statuses, times and durations."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.durations import parse_duration, parse_time
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.order import METRIC, PROPERTY, TAG
from mlrun_cli.runs.parameters import parse_number
from mlrun_cli.runs.status import parse_statuses
from mlrun_cli.runs.where.condition import Literal, Value
from mlrun_cli.runs.where.tokens import OPERATORS, Token, build_syntax_error
from mlrun_cli.runs.where.value_name import FIELD, FIELDS, ValueName

_ORDERED = ("=", "!=", "<", "<=", ">", ">=")
_OPERATORS = {
    "status": ("=", "!=", "in"),
    "text": ("=", "!=", "~", "!~", "in"),
    "number": (*_ORDERED, "in"),
    "time": _ORDERED,
    "duration": _ORDERED,
}
"""The operators of each kind of value; any other kind has all."""
_NUMBER = "number"


def get_value_kind(name: ValueName) -> str:
    """Return the kind of the values that a name in a condition stands for: a kind in `FIELDS`, or `any`."""
    if name.kind == FIELD:
        return FIELDS[name.name]
    return _NUMBER if name.kind == METRIC else "any"


def check_operator(text: str, name: ValueName, operator: str, token: Token) -> None:
    """Raise unless an operator can be applied to the values that a name stands for.

    Raises:
        InvalidFilter: it cannot.
    """
    known = _OPERATORS.get(get_value_kind(name), (*OPERATORS, "in"))
    if operator not in known:
        raise build_syntax_error(
            text, token.start, f"'{name}' is not compared by '{operator}'", hint=f"Use one of {' '.join(known)}."
        )


def parse_values(
    text: str, name: ValueName, operator: str, literal: Literal, token: Token, now: int
) -> Sequence[Value]:
    """Parse a literal into values, in the form that `Predicate` requires.

    Raises:
        InvalidFilter: the literal is not a value of this kind.
    """
    kind = get_value_kind(name)
    if kind == _NUMBER:
        return (_parse_number(text, literal, token),)
    try:
        if kind == "status":
            return sorted(status.value for status in parse_statuses(literal.text))
        if kind == "time":
            return parse_time(literal.text, now), parse_time(literal.text, now, is_end=True)
        if kind == "duration":
            return (parse_duration(literal.text),)
    except UsageError as error:
        raise build_syntax_error(text, token.start, error.message.rstrip("."), hint=error.hint) from None
    is_text = kind == "text" or operator in {"~", "!~"}
    if is_text or (name.kind in {TAG, PROPERTY} and operator in {"=", "!=", "in"}):
        return (literal.text,)
    number = parse_number(literal.text)
    return (literal.text if number is None else number,)


def _parse_number(text: str, literal: Literal, token: Token) -> float:
    try:
        number = float(literal.text)
    except ValueError:
        raise build_syntax_error(text, token.start, f"'{literal.text}' is not a number") from None
    if number != number:  # noqa: PLR0124 — NaN differs from itself
        raise build_syntax_error(text, token.start, "Nothing compares with NaN")
    return number
