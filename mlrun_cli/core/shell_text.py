"""Insertion of variables into shell commands."""

from __future__ import annotations

import re
from collections.abc import Callable

_PARTS = r"""(?sx)
      (?P<as_it_is> \\. | (?<![^\s;&|()]) \#[^\n]* )
    | (?P<single> '[^']*' )
    | (?P<double> "(?:\\.|[^"\\])*" )
    | (?P<plain> [^'"\\\#]+ | . )
"""
# Closes and reopens the quotes around a part, so that a variable there is expanded and remains one word.
_AROUND = {"single": ("'\"", "\"'"), "double": ("", ""), "plain": ('"', '"')}


def insert_variables(text: str, pattern: re.Pattern[str], find_variable: Callable[[re.Match[str]], str | None]) -> str:
    """Replace each match of a pattern in a shell command with a reference to the variable that `find_variable` names.

    The values are not part of the text, so nothing in them can be parsed as words or commands, whatever quotes surround
    it. Within nested quotes that are not parsed here, as in `"$(…)"`, a value may become more than one word.
    """

    def replace_part(part: re.Match[str]) -> str:
        kind = part.lastgroup or ""
        if kind not in _AROUND:
            return part[0]
        before, after = _AROUND[kind]
        pieces, at = [], part.start()
        whole = text  # a pattern may look around itself; the quote that ends a word's first part begins nothing
        if kind == "plain" and text[at - 1 : at] in {"'", '"'}:
            whole = f"{text[: at - 1]}\0{text[at:]}"
        for found in pattern.finditer(whole, at):
            if found.end() > part.end():
                break
            name = find_variable(found)
            pieces += [text[at : found.start()], found[0] if name is None else f"{before}${{{name}}}{after}"]
            at = found.end()
        return "".join([*pieces, text[at : part.end()]])

    return re.sub(_PARTS, replace_part, text)
