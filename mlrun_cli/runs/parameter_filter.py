"""A comparison with a parameter as typed by a user: `lr >= 0.01`, `optimizer = adam`."""

from __future__ import annotations

import re

from mlrun_cli.core.comparison import Comparison, Subject, build_comparison_error, quote, quote_name, unquote
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.parameters import Parameter, parse_number

_SUBJECT = Subject("parameter", "value", 'Write it like: lr >= 0.01, optimizer = adam or "my name" != "two words"')
_QUOTED = r'(?s)"(?:[^"\\]|\\.)*"'


class ParameterFilter(NamedTuple):
    """A comparison of a run's parameter with a number or a text; runs without the parameter never match.

    `<`, `<=`, `>` and `>=` compare a number with numbers and a text with texts.

    Attributes:
        name: the name of the parameter.
        operator: one of `OPERATORS`.
        value: a finite number, or a text that is compared with texts alone.
    """

    name: str
    operator: str
    value: float | str

    @classmethod
    def parse(cls, text: str) -> ParameterFilter:
        """Parse a filter: a parameter name, an operator and a value; texts with special characters are quoted.

        Raises:
            InvalidFilter: it is not a comparison; the message says what is wrong.
        """
        found = Comparison.parse(text, _SUBJECT)
        if found.function is not None:
            raise build_comparison_error(text, _SUBJECT, f"a parameter has no {found.function}()")
        typed = found.typed
        if re.fullmatch(_QUOTED, typed):
            return cls(found.name, found.operator, unquote(typed))
        number = parse_number(typed)
        return cls(found.name, found.operator, typed if number is None else number)

    def __str__(self) -> str:
        """Return the text from which `parse` recreates this filter."""
        value = quote(self.value) if isinstance(self.value, str) else _format_number(self.value)
        return f"{quote_name(self.name)} {self.operator} {value}"


def _format_number(number: float) -> str:
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else repr(number)


def format_equality(name: str, parameter: Parameter) -> str:
    """Return the text, as `ParameterFilter.parse` takes it, of the filter that a parameter has this value."""
    return str(ParameterFilter(name, "=", parameter.text if parameter.number is None else parameter.number))
