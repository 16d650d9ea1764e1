"""The tokens of conditions, and syntax errors that show their position."""

from __future__ import annotations

import re

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidFilter

WORD, QUOTED, OPERATOR, SIGN, END = "word", "quoted", "operator", "sign", "end"
KEYWORDS = frozenset({"and", "or", "not", "in"})
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")

_WORD = r"""[^\s"'`<>=!~(),]+"""
_PATTERN = (
    r"""(?s)(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    r"""|(?P<operator>==|!=|<>|<=|>=|!~|=|<|>|~)|(?P<sign>[(),])|(?P<word>"""
    rf"{_WORD})"
)
_SYNONYMS = {"==": "=", "<>": "!="}
_SHOWN_BEFORE, _SHOWN = 45, 70  # characters of a long text that an error shows


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: `WORD`, `QUOTED`, `OPERATOR`, `SIGN` (a parenthesis or a comma) or `END`.
        text: the text without its quotation marks; for an operator, one of `OPERATORS`.
        start: the index of its first character.
        end: the index after its last character.
    """

    kind: str
    text: str
    start: int
    end: int


def split_into_tokens(text: str) -> list[Token]:
    """Return the tokens of a condition, with an `END` as the last one.

    Raises:
        InvalidFilter: a quotation mark has no counterpart, or a character does not belong there.
    """
    tokens: list[Token] = []
    place = 0
    while True:
        while place < len(text) and text[place].isspace():
            place += 1
        if place == len(text):
            return [*tokens, Token(END, "", place, place)]
        found = re.compile(_PATTERN).match(text, place)
        if found is None:
            what = "is not an operator" if text[place] == "!" else "has no counterpart"
            raise build_syntax_error(text, place, f"the '{text[place]}' {what}", hint='Quote texts as in "it\'s".')
        kind = str(found.lastgroup)
        tokens.append(Token(kind, _normalize_token_text(kind, found[0]), place, found.end()))
        place = found.end()


def _normalize_token_text(kind: str, text: str) -> str:
    if kind == QUOTED:
        return text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return _SYNONYMS.get(text, text) if kind == OPERATOR else text


def is_single_word(text: str) -> bool:
    """Return whether a string is a single word, which needs no quotes."""
    return re.fullmatch(_WORD, text) is not None


def build_syntax_error(text: str, position: int, reason: str, *, hint: str | None = None) -> InvalidFilter:
    """Return an error that shows the text with a caret below a position, which may be the end of the text."""
    line = re.sub(r"\s", " ", text)
    first = max(0, position - _SHOWN_BEFORE) if len(line) > _SHOWN else 0
    before = ("…" if first else "") + line[first:position]
    after = line[position : first + _SHOWN] + ("…" if len(line) > first + _SHOWN else "")
    caret = " " * sum(_get_display_width(character) for character in before) + "^"
    return InvalidFilter(f"{reason}, at column {position + 1}:\n  {before}{after}\n  {caret}", hint=hint, target=text)


def _get_display_width(character: str) -> int:
    """Return the number of columns that a character occupies in a terminal."""
    import unicodedata  # noqa: PLC0415 - for errors alone

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1
