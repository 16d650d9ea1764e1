"""Syntax highlighting of source code."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

MAX_BYTES = 1 << 20
_MAX_HIGHLIGHTED = 200 * 1024
_MAX_LINE_CHARACTERS = 5000
_TIMEOUT_SECONDS = 1.0
"""The time limit for a lexer; some take quadratic time, and would block other pages."""
_CLASSES = (
    (Comment, "tok-c"),
    (Keyword, "tok-k"),
    (String, "tok-s"),
    (Number, "tok-m"),
    (Name.Function, "tok-n"),
    (Name.Class, "tok-n"),
    (Name.Decorator, "tok-n"),
    (Name.Tag, "tok-n"),
)


def highlight_source(file_name: str, data: bytes) -> Sequence[Markup]:
    """Return the lines of a source file as markup, highlighted unless tokenizing the file would take too long."""
    lines: list[list[str]] = [[]]
    for token_type, value in _tokenize(file_name, data.decode("utf-8", "replace")):
        css_class = next((css_class for supertype, css_class in _CLASSES if _is_subtype(token_type, supertype)), None)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                escaped = str(escape(part))
                lines[-1].append(escaped if css_class is None else f'<span class="{css_class}">{escaped}</span>')
    if not lines[-1]:
        lines.pop()
    return [Markup("".join(line)) for line in lines]  # noqa: S704 — the text is escaped, the classes are our own


def _tokenize(file_name: str, text: str) -> Sequence[tuple[_TokenType, str]]:
    """Return the tokens of a source file, or a single token if tokenizing the text would take too long."""
    plain = [(_TokenType(), text)]
    is_short = len(text) <= _MAX_HIGHLIGHTED and max(map(len, text.split("\n"))) <= _MAX_LINE_CHARACTERS
    lexer = _find_lexer(file_name) if is_short else None
    if lexer is None:
        return plain
    tokens = []
    end = monotonic() + _TIMEOUT_SECONDS
    for token in lexer.get_tokens(text):
        if monotonic() > end:
            return plain
        tokens.append(token)
    return tokens


def _is_subtype(token_type: _TokenType, supertype: _TokenType) -> bool:
    return tuple(token_type[: len(supertype)]) == tuple(supertype)


def _find_lexer(file_name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(file_name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
