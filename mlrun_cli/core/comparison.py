"""Comparisons as users type them: `accuracy > 0.9`, `"val loss" <= 1e-3`, `optimizer = adam`."""

from __future__ import annotations

import re

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidFilter

OPERATORS = (">=", "<=", "!=", ">", "<", "=")
"""The longer operators come first, so that a pattern of them prefers those."""

_COMPARISON = (
    r"""(?s)\s*(?:(?P<function>last|min|max)\s*\(\s*)?"""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"<>=!()][^"<>=!]*?))\s*(?P<close>\))?\s*"""
    r"""(?P<operator>>=|<=|!=|==|>|<|=)\s*(?P<typed>\S.*?)\s*"""
)
_PLAIN_NAME = r"[^\s\"<>=!()\\](?:[^\"<>=!()\\]*[^\s\"<>=!()\\])?"
_SIGNS = "a name with such signs needs double quotes"
_SHOWN = 60


class Subject(NamedTuple):
    """The kind of things that are compared, for error messages.

    Attributes:
        noun: what they are, in the singular.
        value: what they are compared with.
        example: the hint of an error.
    """

    noun: str
    value: str
    example: str


class Comparison(NamedTuple):
    """A comparison of a named quantity with a value.

    Attributes:
        function: `last`, `min` or `max` around the name, or None.
        name: the name on the left, without its quotation marks.
        operator: one of `OPERATORS`.
        typed: the text on the right.
    """

    function: str | None
    name: str
    operator: str
    typed: str

    @classmethod
    def parse(cls, text: str, subject: Subject) -> Comparison:
        """Parse a comparison of a name (quoted if it contains special characters) with a value by an operator.

        Raises:
            InvalidFilter: it is not a comparison; the message says what is wrong.
        """
        found = re.fullmatch(_COMPARISON, text)
        if found is None:
            raise build_comparison_error(text, subject, _describe_fault(text, subject))
        quoted = found["quoted"]
        if quoted is None and "(" in found["bare"]:
            raise build_comparison_error(text, subject, _SIGNS)
        if (found["function"] is None) != (found["close"] is None):
            raise build_comparison_error(text, subject, "a parenthesis has no counterpart")
        name = found["bare"].strip() if quoted is None else unquote(f'"{quoted}"')
        if not name:
            raise build_comparison_error(text, subject, f"it names no {subject.noun}")
        return cls(found["function"], name, "=" if found["operator"] == "==" else found["operator"], found["typed"])


def build_comparison_error(text: str, subject: Subject, reason: str) -> InvalidFilter:
    """Return the error for a string that is not a comparison."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return InvalidFilter(f"'{shown}' is not a comparison of a {subject.noun}: {reason}.", hint=subject.example)


def quote_name(name: str) -> str:
    """Return a name as `Comparison.parse` expects it, quoted if it contains special characters."""
    return name if re.fullmatch(_PLAIN_NAME, name) else quote(name)


def quote(text: str) -> str:
    """Return text in double quotes, with quotes and backslashes in it escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(text: str) -> str:
    """Return the original text of a string that `quote` returned."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _describe_fault(text: str, subject: Subject) -> str:
    if not text.strip():
        return "it is empty"
    if text.count('"') % 2:
        return "a quotation mark has no counterpart"
    operator = re.search(r"[<>=!]=?", re.sub(r'"(?:[^"\\]|\\.)*"', "x", text, flags=re.DOTALL))
    if operator is None:
        return f"it has none of {' '.join(OPERATORS)}"
    if not operator.string[: operator.start()].strip():
        return f"it names no {subject.noun}"
    if not operator.string[operator.end() :].strip():
        return f"no {subject.value} follows '{operator[0]}'"
    return _SIGNS
