"""Shows what was printed as a terminal would: colours, and lines that are written over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from markupsafe import Markup, escape

_MOST_COLUMNS = 20_000
_WIDTH = 300
"""How far to the right, where there is no text, the cursor can be sent: `ESC[9999C` means the right edge."""
_PIECES = re.compile(
    r"\x1b\[(?P<parameters>[0-9:;<=>?]*)[ -/]*(?P<final>[@-~])"  # control sequence
    r"|\x1b\].*?(?:\x07|\x1b\\|$)"  # operating system command: titles, links
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # other strings
    r"|\x1b(?:[ -/]*[0-~])?"
    r"|(?P<move>[\r\n\b])"
    r"|(?P<tab>\t)"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)",
    re.DOTALL,
)
_TAB = 8


class Mark(Enum):
    """What marks a text that was searched for; the value is the element it begins with."""

    ANY = "<mark>"
    FOUND = '<mark aria-current="true">'


class Look(NamedTuple):
    """How text looks; colours are numbers from 0 to 15."""

    colour: int | None = None
    background: int | None = None
    is_bold: bool = False
    is_faint: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_inverse: bool = False
    mark: Mark | None = None

    @property
    def classes(self) -> str:
        """The classes of its element."""
        colours = ((self.colour, "fg"), (self.background, "bg"))
        names = [f"{kind}{colour}" for colour, kind in colours if colour is not None]
        flags = (
            (self.is_bold, "bold"),
            (self.is_faint, "faint"),
            (self.is_italic, "italic"),
            (self.is_underlined, "underlined"),
            (self.is_inverse, "inverse"),
        )
        return " ".join([*names, *(name for flag, name in flags if flag)])


_PLAIN = Look()


class Terminal:
    """The lines that have been printed, each a list of cells; the cursor stands in one of them."""

    def __init__(self) -> None:
        self._lines: list[list[tuple[str, Look]]] = [[]]
        self._row = 0
        self._column = 0
        self._look = _PLAIN

    def feed(self, text: str) -> None:
        """Print text."""
        for piece in _PIECES.finditer(text):
            if (plain := piece["text"]) is not None:
                self._print(plain)
            elif (move := piece["move"]) is not None:
                self._move(move)
            elif piece["tab"] is not None:
                self._print(" " * (_TAB - self._column % _TAB))
            elif piece["final"] is not None:
                self._control(piece["final"], piece["parameters"])

    @property
    def cursor(self) -> tuple[int, int]:
        """The row and the column that would be printed at."""
        return self._row, self._column

    def mark(self, text: str, found_at: tuple[int, int] | None) -> None:
        """Mark a text, in upper or lower case, wherever it stands; `found_at` is in the one that was found, if any."""
        pattern = re.compile(re.escape(text), re.IGNORECASE | re.ASCII)
        for row, (cells, line) in enumerate(zip(self._lines, self.texts(), strict=True)):
            for match in pattern.finditer(line):
                is_found = found_at is not None and row == found_at[0] and match.start() <= found_at[1] < match.end()
                mark = Mark.FOUND if is_found else Mark.ANY
                for column in range(*match.span()):
                    character, look = cells[column]
                    cells[column] = (character, look._replace(mark=mark))

    def lines(self) -> Iterator[Markup]:
        """Each line as markup."""
        for cells in self._lines:
            yield _markup(cells)

    def texts(self) -> Iterator[str]:
        """Each line without its looks."""
        for cells in self._lines:
            yield "".join(character for character, _ in cells)

    def _print(self, text: str) -> None:
        """Put text at the cursor; a line that is too wide for this terminal goes on in the next one."""
        while text:
            if self._column >= _MOST_COLUMNS:
                self._move("\n")
            text = self._put(text)

    def _put(self, text: str) -> str:
        """Put what fits into the line, and give back the rest."""
        line = self._lines[self._row]
        fitting, rest = text[: _MOST_COLUMNS - self._column], text[_MOST_COLUMNS - self._column :]
        if self._column > len(line):
            line.extend([(" ", _PLAIN)] * (self._column - len(line)))
        look = self._look
        line[self._column : self._column + len(fitting)] = [(character, look) for character in fitting]
        self._column += len(fitting)
        return rest

    def _move(self, move: str) -> None:
        if move == "\n":
            self._row += 1
            self._column = 0
            if self._row == len(self._lines):
                self._lines.append([])
        elif move == "\r":
            self._column = 0
        else:
            self._column = max(0, self._column - 1)

    def _control(self, final: str, parameters: str) -> None:
        if final == "m":
            self._look = _changed(self._look, parameters)
            return
        first = parameters.partition(";")[0]
        number = int(first) if first.isdecimal() and len(first) < 6 else None
        count = max(1, number or 1)
        if final in "AF":
            self._row = max(0, self._row - count)
        elif final in "BE":
            self._row = min(len(self._lines) - 1, self._row + count)
        elif final == "C":
            self._go_to(self._column + count)
        elif final == "D":
            self._column = max(0, self._column - count)
        elif final == "G":
            self._go_to(count - 1)
        elif final == "K":
            self._erase_line(number or 0)
        elif final == "J":
            self._erase_below(number or 0)
        if final in "EF":
            self._column = 0

    def _go_to(self, column: int) -> None:
        self._column = min(column, max(_WIDTH, len(self._lines[self._row])))

    def _erase_line(self, which: int) -> None:
        line = self._lines[self._row]
        if which == 0:
            del line[self._column :]
        else:
            end = len(line) if which == 2 else min(len(line), self._column + 1)
            line[:end] = [(" ", _PLAIN)] * end

    def _erase_below(self, which: int) -> None:
        # What is above stays: it is a log, and "clear the screen" must not lose it.
        if which == 0:
            del self._lines[self._row][self._column :]
            del self._lines[self._row + 1 :]


def _markup(cells: Sequence[tuple[str, Look]]) -> Markup:
    parts: list[str] = []
    start = 0
    for end in range(1, len(cells) + 1):
        if end < len(cells) and cells[end][1] == cells[start][1]:
            continue
        text = str(escape("".join(character for character, _ in cells[start:end])))
        look = cells[start][1]
        if look.mark is not None:
            text = f"{look.mark.value}{text}</mark>"
        parts.append(f'<span class="{look.classes}">{text}</span>' if look.classes else text)
        start = end
    return Markup("".join(parts))  # noqa: S704 — text is escaped, classes are our own


def _changed(look: Look, parameters: str) -> Look:
    codes = [int(code) if code.isdecimal() and len(code) < 6 else 0 for code in re.split("[;:]", parameters or "0")]
    position = 0
    while position < len(codes):
        code = codes[position]
        if code in {38, 48}:
            colour, used = _extended(codes[position + 1 :])
            position += used
            look = look._replace(colour=colour) if code == 38 else look._replace(background=colour)
        else:
            look = _with_code(look, code)
        position += 1
    return look


_CHANGES: Mapping[int, Mapping[str, Any]] = {
    1: {"is_bold": True},
    2: {"is_faint": True},
    3: {"is_italic": True},
    4: {"is_underlined": True},
    7: {"is_inverse": True},
    22: {"is_bold": False, "is_faint": False},
    23: {"is_italic": False},
    24: {"is_underlined": False},
    27: {"is_inverse": False},
    39: {"colour": None},
    49: {"background": None},
}


def _with_code(look: Look, code: int) -> Look:
    if code == 0:
        return _PLAIN
    if code in _CHANGES:
        return look._replace(**_CHANGES[code])
    for first, field, bright in ((30, "colour", 0), (90, "colour", 8), (40, "background", 0), (100, "background", 8)):
        if first <= code < first + 8:
            changes: dict[str, Any] = {field: code - first + bright}
            return look._replace(**changes)
    return look


def _extended(codes: Sequence[int]) -> tuple[int | None, int]:
    """One of the sixteen colours for one of 256 or of all, and how many numbers said so."""
    if codes[:1] == [5] and len(codes) >= 2:
        return _of_256(codes[1]), 2
    if codes[:1] == [2] and len(codes) >= 4:
        return _nearest(codes[1], codes[2], codes[3]), 4
    return None, len(codes)


def _of_256(code: int) -> int:
    if code < 16:
        return code
    if code >= 232:
        grey = 8 + 10 * (code - 232)
        return _nearest(grey, grey, grey)
    red, rest = divmod(code - 16, 36)
    green, blue = divmod(rest, 6)
    return _nearest(*(0 if part == 0 else 55 + 40 * part for part in (red, green, blue)))


def _nearest(red: int, green: int, blue: int) -> int:
    """The colour by its strongest parts: bright where the light is."""
    strongest, weakest = max(red, green, blue), min(red, green, blue)
    if strongest - weakest < 40:
        return next(colour for limit, colour in ((64, 0), (150, 8), (215, 7), (1000, 15)) if strongest < limit)
    threshold = (strongest + weakest) / 2
    colour = (red > threshold) + 2 * (green > threshold) + 4 * (blue > threshold)
    return colour + 8 if strongest > 200 else colour
