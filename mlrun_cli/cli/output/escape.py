"""Text of unknown origin, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Spell out what would steer a terminal: an escape character becomes the four characters `\x1b`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _spelled(character) for character in text)


def printable_lines(text: str) -> str:
    """The same for text whose line breaks are meant."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
