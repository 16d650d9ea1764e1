"""A comparison with a logged metric, as it is typed: `accuracy > 0.9`."""

from __future__ import annotations

import re

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.metrics.metric import LAST

OPERATORS = (">=", "<=", "!=", ">", "<", "=")
"""The longer operators come first, so that a pattern of them prefers those."""

_COMPARISON = (
    r"""(?s)\s*(?:(?P<which>last|min|max)\s*\(\s*)?"""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"<>=!()][^"<>=!]*?))\s*(?P<close>\))?\s*"""
    r"""(?P<operator>>=|<=|!=|==|>|<|=)\s*(?P<number>\S.*?)\s*"""
)
_PLAIN_NAME = r"[^\s\"<>=!()\\](?:[^\"<>=!()\\]*[^\s\"<>=!()\\])?"
_SIGNS = "a name with such signs needs double quotes"
_EXAMPLE = 'Write it like: accuracy > 0.9, "val loss" <= 1e-3 or max(accuracy) >= 0.9'


class MetricFilter(NamedTuple):
    """A comparison of a run's metric with a number; runs without a number of this name never match.

    Attributes:
        name: the name of the metric.
        operator: one of `OPERATORS`.
        value: a number, which may be infinite.
        which: the statistic that is compared: `last`, `min` or `max`.
    """

    name: str
    operator: str
    value: float
    which: str = LAST

    @classmethod
    def parse(cls, text: str) -> MetricFilter:
        """Parse a name, in double quotes if it contains special characters, an operator and a number.

        `min(name)` and `max(name)` compare the minimum or maximum instead of the last value.

        Raises:
            InvalidFilter: it is not a comparison; the message says what is wrong.
        """
        found = re.fullmatch(_COMPARISON, text)
        if found is None:
            raise _build_invalid_filter_error(text, _describe_fault(text))
        quoted = found["quoted"]
        if quoted is None and "(" in found["bare"]:
            raise _build_invalid_filter_error(text, _SIGNS)
        if (found["which"] is None) != (found["close"] is None):
            raise _build_invalid_filter_error(text, "a parenthesis has no counterpart")
        name = found["bare"].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        if not name:
            raise _build_invalid_filter_error(text, "it names no metric")
        operator = "=" if found["operator"] == "==" else found["operator"]
        return cls(name, operator, _parse_number(text, found["number"]), found["which"] or LAST)

    def __str__(self) -> str:
        """Return the text from which `parse` creates this filter."""
        name = self.name
        if not re.fullmatch(_PLAIN_NAME, name):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            name = f'"{escaped}"'
        return f"{name if self.which == LAST else f'{self.which}({name})'} {self.operator} {self.value:.17g}"


def _parse_number(text: str, typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        raise _build_invalid_filter_error(text, f"'{typed}' is not a number") from None
    if value != value:  # noqa: PLR0124 — NaN differs from itself
        raise _build_invalid_filter_error(text, "nothing compares with NaN")
    return value


def _describe_fault(text: str) -> str:
    if not text.strip():
        return "it is empty"
    if text.count('"') % 2:
        return "a quotation mark has no counterpart"
    operator = re.search(r"[<>=!]=?", re.sub(r'"(?:[^"\\]|\\.)*"', "x", text, flags=re.DOTALL))
    if operator is None:
        return f"it has none of {' '.join(OPERATORS)}"
    if not operator.string[: operator.start()].strip():
        return "it names no metric"
    if not operator.string[operator.end() :].strip():
        return f"no number follows '{operator[0]}'"
    return _SIGNS


def _build_invalid_filter_error(text: str, why: str) -> InvalidFilter:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return InvalidFilter(f"'{shown}' is not a comparison of a metric: {why}.", hint=_EXAMPLE)
