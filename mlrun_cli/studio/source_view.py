"""Source text as numbered lines with coloured words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

MOST_BYTES = 1 << 20
_MOST_COLOURED = 200 * 1024
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
    """The lines of a file as markup; long ones are left plain."""
    text = data.decode("utf-8", "replace")
    lexer = _lexer(name) if len(text) <= _MOST_COLOURED else None
    tokens: Iterable[tuple[_TokenType, str]] = [(_TokenType(), text)] if lexer is None else lexer.get_tokens(text)
    lines: list[list[str]] = [[]]
    for kind, value in tokens:
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


def _is(kind: _TokenType, token: _TokenType) -> bool:
    return tuple(kind[: len(token)]) == tuple(token)


def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
