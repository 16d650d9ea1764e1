"""Keys pressed on a terminal, decoded from its input."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from enum import Enum

_SEQUENCE = r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.)"


class TerminalKey(Enum):
    """A key that does not produce a character."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    CLEAR = "clear"
    OTHER = "other"


_KEYS = {
    "\r": TerminalKey.ENTER,
    "\n": TerminalKey.ENTER,
    "\x7f": TerminalKey.BACKSPACE,
    "\x08": TerminalKey.BACKSPACE,
    "\x15": TerminalKey.CLEAR,
    "\x10": TerminalKey.UP,
    "\x0e": TerminalKey.DOWN,
    "\x1b[A": TerminalKey.UP,
    "\x1bOA": TerminalKey.UP,
    "\x1b[B": TerminalKey.DOWN,
    "\x1bOB": TerminalKey.DOWN,
    "\x1b[5~": TerminalKey.PAGE_UP,
    "\x1b[6~": TerminalKey.PAGE_DOWN,
    "\x1b[H": TerminalKey.HOME,
    "\x1bOH": TerminalKey.HOME,
    "\x1b[1~": TerminalKey.HOME,
    "\x1b[F": TerminalKey.END,
    "\x1bOF": TerminalKey.END,
    "\x1b[4~": TerminalKey.END,
}


class KeyReader:
    """A decoder of keys, which retains the start of a key whose remaining bytes have not arrived yet."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")("ignore")
        self._text = ""

    @property
    def has_partial_key(self) -> bool:
        """True if a key sequence is incomplete; it is decoded as Escape unless more bytes follow soon."""
        return bool(self._text)

    def decode(self, data: bytes, *, is_final: bool = False) -> Iterator[TerminalKey | str]:
        """Yield the keys and characters in input; with `is_final`, an incomplete key sequence is not retained."""
        self._text += self._decoder.decode(data)
        while self._text:
            sequence = re.match(_SEQUENCE, self._text)
            if sequence is None and self._text[0] == "\x1b":
                if not is_final and re.fullmatch(r"\x1b(?:\[[0-9;?]*[ -/]*|O)?", self._text):
                    return
                self._text = self._text[1:]
                yield TerminalKey.ESCAPE
                continue
            word = self._text[0] if sequence is None else sequence[0]
            self._text = self._text[len(word) :]
            yield _KEYS.get(word) or (word if word.isprintable() else TerminalKey.OTHER)
