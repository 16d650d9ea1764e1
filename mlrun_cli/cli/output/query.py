"""JMESPath queries, given as `--query TEXT` or as bare words, as in Azure's documentation.

A query is parsed before any work is done. Words are joined by a space. A shell removes the inner quotes of a query that
is not quoted itself; if the rest does not parse, the right side of each `==` and `!=` is read as text.
"""

from __future__ import annotations

import re
import shlex
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidQuery
from mlrun_cli.wire.run_output import make_printable

_EXAMPLE = "[?status=='Failed'].run_id"
_SHOWN = 60  # characters of a long query that an error quotes
_SHOWN_FROM_THERE = 20  # of them, from the mistake on
_KINDS = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "expref": "an expression",
    "array-string": "a list of texts",
    "array-number": "a list of numbers",
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "null",
    "list": "a list",
    "dict": "an object",
    "OrderedDict": "an object",
}
"""Readable names of types, keyed by JMESPath's names and by the Python names in its errors."""
_UNQUOTED_OPERAND = r"(?P<operator>==|!=)\s*(?P<value>[^\s'\"`&|)\]][^&|)\]]*?)\s*(?=&&|\|\||[)\]]|$)"


class Query(NamedTuple):
    """A parsed query."""

    text: str
    expression: Any

    @classmethod
    def parse(cls, text: str) -> Query:
        """Parse a query.

        Raises:
            InvalidQuery: the text is not JMESPath, or calls a function that does not exist.
        """
        import jmespath  # noqa: PLC0415

        try:
            expression = jmespath.compile(text)
        except Exception as error:  # the parser lets KeyError, IndexError and others out
            raise _build_syntax_error(text, error) from error
        _check_functions(text, expression.parsed)
        return cls(text, expression)

    def reads_key(self, key: str) -> bool:
        """Return whether the query names a key anywhere."""
        nodes = [self.expression.parsed]
        for node in nodes:  # those below a node are appended
            if node["type"] == "field" and node["value"] == key:
                return True
            nodes += [child for child in node.get("children", ()) if isinstance(child, dict)]
        return False

    def apply(self, value: object) -> object:
        """Return the query's result for a JSON-like value; mappings that the query creates are `OrderedDict`.

        Raises:
            InvalidQuery: a function got a value that it does not accept.
        """
        from jmespath import Options  # noqa: PLC0415

        try:
            return self.expression.search(value, Options(dict_cls=OrderedDict))
        except (ValueError, TypeError, ArithmeticError) as error:
            reason = _describe_error(error)
            raise InvalidQuery(
                f"The query does not fit the result: {reason}",
                hint=f"A query that fits: {_format_command_line(_EXAMPLE)}",
            ) from error

    def list_compared_fields(self) -> list[str]:
        """Return the unquoted names to the right of `==` and `!=`, which are read as fields but often meant as text."""
        return [
            node["children"][1]["value"]
            for node in _walk_nodes(self.expression.parsed)
            if node["type"] == "comparator" and node["value"] in {"eq", "ne"} and node["children"][1]["type"] == "field"
        ]


def _describe_error(error: Exception) -> str:
    """Return the reason why a query cannot be applied, with its input shortened."""
    from reprlib import repr as bounded_repr  # noqa: PLC0415

    from jmespath.exceptions import JMESPathTypeError  # noqa: PLC0415

    if not isinstance(error, JMESPathTypeError):
        return _shorten_text(str(error))
    taken = " or ".join(_KINDS.get(kind, kind) for kind in error.expected_types)
    given = _KINDS.get(error.actual_type, error.actual_type)
    value = "" if error.current_value is None else f": {_shorten_text(bounded_repr(error.current_value))}"
    return f"{error.function_name}() takes {taken}, not {given}{value}"


def _shorten_text(text: str) -> str:
    shown = make_printable(text[: _SHOWN + 1])
    return shown if len(text) <= _SHOWN else f"{shown[:_SHOWN]}…"


def parse_query_words(arguments: Sequence[str]) -> tuple[Query, str | None]:
    """Parse the arguments that follow a command's options as a query.

    Returns:
        The query, and a note to the user on how it was read, or None.

    Raises:
        InvalidQuery: the arguments are not a query, or only the beginning of one.
    """
    text = " ".join(arguments).strip()
    if not text.startswith("["):
        raise InvalidQuery(
            f"'{_shorten_text(text)}' is neither an option nor a query.",
            hint=f"A query is one word in quotes: {_format_command_line(_EXAMPLE)}",
        )
    as_text = _quote_comparison_operands(text)
    try:
        query = Query.parse(text)
    except InvalidQuery as error:
        return _parse_with_quoted_operands(text, as_text, error)
    fields = ", ".join(f"'{name}'" for name in query.list_compared_fields())
    if fields and as_text != text:
        return query, f"{fields} without quotes names a field. If a text is meant, type {quote_word(as_text)}"
    return query, None


def quote_word(text: str) -> str:
    """Return `text` quoted as one shell word, in double quotes if it contains single quotes and they suffice."""
    if "'" in text and not re.search(r'["$`\\!]', text) and text.isprintable():
        return f'"{text}"'
    return shlex.quote(text)


def _parse_with_quoted_operands(text: str, quoted_text: str, syntax_error: InvalidQuery) -> tuple[Query, str]:
    """Parse a query with its unquoted operands quoted, and return it with a note; otherwise raise an error."""
    try:
        return Query.parse(quoted_text), f"The query was read as {quote_word(quoted_text)}. Better type it like that."
    except InvalidQuery:
        pass
    for candidate in (f"{text}]", f"{quoted_text}]"):
        try:
            Query.parse(candidate)
        except InvalidQuery:
            continue
        raise InvalidQuery(
            f"The query ends too early: {make_printable(text)}",
            hint=f"A shell cuts an unquoted query at && and |. Type it in quotes: {_format_command_line(candidate)}",
        ) from syntax_error
    raise syntax_error


def _quote_comparison_operands(text: str) -> str:
    return re.sub(_UNQUOTED_OPERAND, _quote_comparison_operand, text)


def _quote_comparison_operand(match: re.Match[str]) -> str:
    value = match["value"].replace("'", r"\'")
    return f"{match['operator']}'{value}'"


def _check_functions(text: str, tree: Mapping[str, Any]) -> None:
    """Raise InvalidQuery if a query calls an unknown function, or one with a wrong number of arguments."""
    from jmespath.functions import Functions  # noqa: PLC0415

    known: Mapping[str, Mapping[str, Any]] = Functions.FUNCTION_TABLE
    for node in _walk_nodes(tree):
        if node["type"] != "function_expression":
            continue
        name, given = node["value"], len(node["children"])
        if name not in known:
            raise _build_call_error(text, name, f"There is no function {name}()")
        signature = known[name]["signature"]
        is_open = bool(signature) and signature[-1].get("variadic", False)
        if given < len(signature) or (given > len(signature) and not is_open):
            raise _build_call_error(text, name, f"{name}() takes {len(signature)} values, not {given}")


def _build_call_error(text: str, function_name: str, reason: str) -> InvalidQuery:
    place = re.search(rf"\b{re.escape(function_name)}\s*\(", text)
    return _build_error(text, 0 if place is None else place.start(), reason)


def _build_syntax_error(text: str, error: Exception) -> InvalidQuery:
    position = getattr(error, "lex_position", None)
    if not isinstance(position, int):
        position = len(text)
    if not text.strip():
        reason = "The query is empty"
    elif position >= len(text):
        reason = "The query ends too early"
    elif "Unclosed" in str(error):
        reason = "The query has a quote that is not closed"
    else:
        reason = "The query cannot be read"
    return _build_error(text, min(position, len(text)), reason)


def _build_error(text: str, position: int, reason: str) -> InvalidQuery:
    """Return an error with the reason, its position in the query, and an example."""
    begin = max(0, position - _SHOWN // 2)
    shown = make_printable(text[begin : begin + _SHOWN])
    from_there = make_printable(text[position : position + _SHOWN_FROM_THERE])
    place = f"at character {position + 1}" + (f": {from_there}" if from_there and position else ".")
    return InvalidQuery(
        f"{reason}, {place}",
        hint="\n".join([*([f"  {shown}"] if shown else []), f"A query that works: {_format_command_line(_EXAMPLE)}"]),
    )


def _format_command_line(text: str) -> str:
    return f"mlrun run list --query {quote_word(text)}"


def _walk_nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every node of a syntax tree, skipping children that are not nodes, such as the numbers of a slice."""
    yield tree
    for child in tree["children"]:
        if isinstance(child, Mapping):
            yield from _walk_nodes(child)
