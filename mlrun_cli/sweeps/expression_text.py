"""Parameters of a sweep as they are written on a command line: `lr=0.05,0.1` and `wd=loguniform(1e-5,1e-2)`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.expressions import CHOICE, PARAMETERS, Expression, build_expression

_CALL = r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*"
_BEGUN_CALL = rf"\s*({'|'.join(PARAMETERS)})\s*\("
_ITEM = r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:\[[^\[\]]*\]|\{[^{}]*\}|[^,"'])*?))\s*(,|\Z)"""
_PADDED = r"[+-]?0\d.*|.*\.\d+0|.*_.*|\+.*"
_NUMBER = r"[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def parse_parameter(text: str) -> tuple[str, Expression]:
    """Parse `NAME=VALUE,VALUE…` or `NAME=EXPRESSION(ARGUMENT,…)` and return the name and the expression.

    Raises:
        InvalidValue: it has no name or no values; or as `parse_expression`.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.strip():
        raise InvalidValue(
            f"'{text}' does not name a parameter.",
            hint="Use NAME=VALUE,VALUE or NAME=EXPRESSION(…), as lr=0.05,0.1 or 'lr=uniform(0.05,0.1)'.",
            target=text,
        )
    try:
        return name.strip(), parse_expression(values)
    except InvalidValue as error:
        error.add_context(name.strip())
        raise


def parse_expression(text: str) -> Expression:
    """Parse an expression such as `uniform(0,1)`, or a list of values such as `0.1,0.2` as a `choice` expression.

    Values are numbers where they look like numbers, else text; quotes keep commas and make numbers text, and commas in
    brackets belong to their value. Values of a list that a number would spell otherwise, as 007 and 3.10, are text.
    Unlike in
    Azure's files, the bounds of `loguniform` and `qloguniform` are the least and the largest value, not logarithms.

    Raises:
        InvalidValue: as `build_expression`; a parenthesis is missing; a quotation mark has no counterpart; a
            bound has no logarithm.
    """
    call = re.fullmatch(_CALL, text, flags=re.DOTALL)
    if call is None:
        if not text.strip():
            raise InvalidValue("has no values.", hint="Separate values by commas, as in lr=0.05,0.1.", target=text)
        if begun := re.match(_BEGUN_CALL, text):
            raise InvalidValue(
                f"'{text}' begins as {begun[1]}(…) does, and does not end with a parenthesis.",
                hint=f"Write {begun[1]}(…) as a whole, or quote a value that begins so.",
                target=text,
            )
        return build_expression(CHOICE, [_parse_choice(text, item, quoted) for item, quoted in _split_values(text)])
    name, inner = call[1], call[2]
    parse = _parse_choice if name == CHOICE else _parse_value
    arguments = [parse(text, item, quoted) for item, quoted in (_split_values(inner) if inner.strip() else [])]
    if name in {"loguniform", "qloguniform"}:
        arguments[:2] = [_compute_logarithm(name, bound) for bound in arguments[:2]]
    return build_expression(name, arguments)


def _split_values(text: str) -> list[tuple[str, bool]]:
    """Split text at commas; return each value and whether it was quoted."""
    items: list[tuple[str, bool]] = []
    place = 0
    while True:
        found = re.compile(_ITEM, flags=re.DOTALL).match(text, place)
        if found is None:
            raise InvalidValue(
                f"'{text[place:]}' has a quotation mark without a counterpart.",
                hint="Quote a value as a whole, as in \"a,b\",'c'.",
                target=text,
            )
        plain = found[3]
        items.append((re.sub(r"\\(.)", r"\1", found[1] or found[2] or ""), True) if plain is None else (plain, False))
        place = found.end()
        if not found[4]:
            return items


def _parse_value(list_text: str, item_text: str, is_quoted: bool) -> Any:
    """Return an item of a list as a number, or as text if it is quoted or not a number; errors show `list_text`."""
    if is_quoted:
        return item_text
    if not item_text:
        raise InvalidValue(
            f"'{list_text}' has a comma without a value.", hint='Write an empty text as "".', target=list_text
        )
    if re.fullmatch(_NUMBER, item_text) is None or len(item_text) > 300:
        return item_text
    return int(item_text) if re.fullmatch(r"[+-]?[\d_]+", item_text) else float(item_text)


def _parse_choice(list_text: str, item_text: str, is_quoted: bool) -> Any:
    """Parse an item of a list of choices; a number that conversion would alter, such as `007`, remains text."""
    value = _parse_value(list_text, item_text, is_quoted)
    if isinstance(value, str):
        return value
    is_padded = re.fullmatch(_PADDED, item_text.lower().partition("e")[0]) is not None
    return item_text if is_padded or Decimal(item_text) != Decimal(repr(value)) else value


def _compute_logarithm(name: str, bound: object) -> object:
    """Return the logarithm of a bound; raise if the number is not positive, but return text unchanged."""
    if isinstance(bound, str):
        return bound  # which `build_expression` refuses
    if not isinstance(bound, (int, float)) or bound <= 0:
        raise InvalidValue(
            f"{name} needs bounds above 0, and has {bound}.",
            hint=f"On a command line they are the values themselves, as {name}(1e-5,1e-2); only files have logarithms.",
            target=name,
        )
    return math.log(bound)
