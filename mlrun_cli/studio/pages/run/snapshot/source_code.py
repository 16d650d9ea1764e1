"""Source text as numbered lines with coloured words."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

MOST_BYTES = 1 << 20
_MOST_COLOURED = 200 * 1024
_LONGEST_LINE = 5000
_PATIENCE_SECONDS = 1.0
"""What some languages take for a text grows with the square of its length, and holds up all other pages."""
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


def source_lines(name: str, data: bytes) -> Sequence[Markup]:
    """The lines of a file as markup; those of a long file, and of one that takes long to read, are left plain."""
    lines: list[list[str]] = [[]]
    for kind, value in _tokens(name, data.decode("utf-8", "replace")):
        look = next((look for token, look in _CLASSES if _is(kind, token)), None)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                escaped = str(escape(part))
                lines[-1].append(escaped if look is None else f'<span class="{look}">{escaped}</span>')
    if not lines[-1]:
        lines.pop()
    return [Markup("".join(line)) for line in lines]  # noqa: S704 — the text is escaped, the classes are our own


def _tokens(name: str, text: str) -> Sequence[tuple[_TokenType, str]]:
    plain = [(_TokenType(), text)]
    is_short = len(text) <= _MOST_COLOURED and max(map(len, text.split("\n"))) <= _LONGEST_LINE
    lexer = _lexer(name) if is_short else None
    if lexer is None:
        return plain
    tokens = []
    end = monotonic() + _PATIENCE_SECONDS
    for token in lexer.get_tokens(text):
        if monotonic() > end:
            return plain
        tokens.append(token)
    return tokens


def _is(kind: _TokenType, token: _TokenType) -> bool:
    return tuple(kind[: len(token)]) == tuple(token)


def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
