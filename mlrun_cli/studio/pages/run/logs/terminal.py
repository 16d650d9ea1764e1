"""A terminal emulator that renders output with colours and overwritten lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from markupsafe import Markup, escape

from mlrun_cli.core.named_tuple import NamedTuple

_MAX_COLUMNS = 20_000
_DEFAULT_WIDTH = 300
"""The right edge for cursor movements that write no text, such as `ESC[9999C`."""
_TOKENS = re.compile(
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
_TAB_WIDTH = 8


class HighlightKind(Enum):
    """The kinds of highlighted text; each value is the start tag of an element."""

    ANY = "<mark>"
    FOUND = '<mark aria-current="true">'


class Style(NamedTuple):
    """The style of text, with colours as numbers from 0 to 15."""

    colour: int | None = None
    background: int | None = None
    is_bold: bool = False
    is_faint: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_inverse: bool = False
    highlight: HighlightKind | None = None

    @property
    def classes(self) -> str:
        """The CSS classes of the style, separated by spaces."""
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


_PLAIN = Style()


class Terminal:
    """A terminal of unlimited height, which stores styled characters in lines and has a cursor."""

    def __init__(self) -> None:
        self._lines: list[list[tuple[str, Style]]] = [[]]
        self._row = 0
        self._column = 0
        self._style = _PLAIN

    def write(self, text: str) -> None:
        """Write output, interpreting control characters and escape sequences."""
        for piece in _TOKENS.finditer(text):
            if (plain := piece["text"]) is not None:
                self._write_text(plain)
            elif (move := piece["move"]) is not None:
                self._move_cursor(move)
            elif piece["tab"] is not None:
                self._write_text(" " * (_TAB_WIDTH - self._column % _TAB_WIDTH))
            elif piece["final"] is not None:
                self._apply_control_sequence(piece["final"], piece["parameters"])

    @property
    def cursor(self) -> tuple[int, int]:
        """The position of the cursor, as row and column."""
        return self._row, self._column

    def highlight(self, text: str, match_position: tuple[int, int] | None) -> None:
        """Highlight all occurrences of `text`, ignoring case; the one at `match_position` is the current match."""
        pattern = re.compile(re.escape(text), re.IGNORECASE | re.ASCII)
        for row, (cells, line) in enumerate(zip(self._lines, self.iterate_plain_lines(), strict=True)):
            for match in pattern.finditer(line):
                is_found = (
                    match_position is not None
                    and row == match_position[0]
                    and match.start() <= match_position[1] < match.end()
                )
                highlight = HighlightKind.FOUND if is_found else HighlightKind.ANY
                for column in range(*match.span()):
                    character, style = cells[column]
                    cells[column] = (character, style._replace(highlight=highlight))

    def iterate_lines(self) -> Iterator[Markup]:
        """Yield each line as markup."""
        for cells in self._lines:
            yield _render_cells(cells)

    def iterate_plain_lines(self) -> Iterator[str]:
        """Yield each line as plain text."""
        for cells in self._lines:
            yield "".join(character for character, _ in cells)

    def _write_text(self, text: str) -> None:
        """Write plain text at the cursor, wrapping lines that are too long."""
        while text:
            if self._column >= _MAX_COLUMNS:
                self._move_cursor("\n")
            text = self._write_to_line(text)

    def _write_to_line(self, text: str) -> str:
        """Write as much text as fits into the line, and return the rest."""
        line = self._lines[self._row]
        fitting, rest = text[: _MAX_COLUMNS - self._column], text[_MAX_COLUMNS - self._column :]
        if self._column > len(line):
            line.extend([(" ", _PLAIN)] * (self._column - len(line)))
        style = self._style
        line[self._column : self._column + len(fitting)] = [(character, style) for character in fitting]
        self._column += len(fitting)
        return rest

    def _move_cursor(self, control_character: str) -> None:
        """Move the cursor as a line feed, carriage return or backspace does."""
        if control_character == "\n":
            self._row += 1
            self._column = 0
            if self._row == len(self._lines):
                self._lines.append([])
        elif control_character == "\r":
            self._column = 0
        else:
            self._column = max(0, self._column - 1)

    def _apply_control_sequence(self, final_character: str, parameters: str) -> None:
        """Apply an ANSI escape sequence that sets the style, moves the cursor or erases text."""
        if final_character == "m":
            self._style = _apply_style_codes(self._style, parameters)
            return
        first = parameters.partition(";")[0]
        number = int(first) if first.isdecimal() and len(first) < 6 else None
        count = max(1, number or 1)
        if final_character in "AF":
            self._row = max(0, self._row - count)
        elif final_character in "BE":
            self._row = min(len(self._lines) - 1, self._row + count)
        elif final_character == "C":
            self._move_to_column(self._column + count)
        elif final_character == "D":
            self._column = max(0, self._column - count)
        elif final_character == "G":
            self._move_to_column(count - 1)
        elif final_character == "K":
            self._erase_line(number or 0)
        elif final_character == "J":
            self._erase_below(number or 0)
        if final_character in "EF":
            self._column = 0

    def _move_to_column(self, column: int) -> None:
        self._column = min(column, max(_DEFAULT_WIDTH, len(self._lines[self._row])))

    def _erase_line(self, mode: int) -> None:
        """Erase the line after (mode 0), before (mode 1) or on both sides of the cursor (mode 2)."""
        line = self._lines[self._row]
        if mode == 0:
            del line[self._column :]
        else:
            end = len(line) if mode == 2 else min(len(line), self._column + 1)
            line[:end] = [(" ", _PLAIN)] * end

    def _erase_below(self, mode: int) -> None:
        # Lines above the cursor are kept, so that clearing the screen does not empty a log.
        """Erase everything after the cursor in mode 0, and nothing in other modes."""
        if mode == 0:
            del self._lines[self._row][self._column :]
            del self._lines[self._row + 1 :]


def _render_cells(cells: Sequence[tuple[str, Style]]) -> Markup:
    parts: list[str] = []
    start = 0
    for end in range(1, len(cells) + 1):
        if end < len(cells) and cells[end][1] == cells[start][1]:
            continue
        text = str(escape("".join(character for character, _ in cells[start:end])))
        style = cells[start][1]
        if style.highlight is not None:
            text = f"{style.highlight.value}{text}</mark>"
        parts.append(f'<span class="{style.classes}">{text}</span>' if style.classes else text)
        start = end
    return Markup("".join(parts))  # noqa: S704 — text is escaped, classes are our own


def _apply_style_codes(style: Style, parameters: str) -> Style:
    codes = [int(code) if code.isdecimal() and len(code) < 6 else 0 for code in re.split("[;:]", parameters or "0")]
    position = 0
    while position < len(codes):
        code = codes[position]
        if code in {38, 48}:
            colour, used = _parse_extended_colour(codes[position + 1 :])
            position += used
            style = style._replace(colour=colour) if code == 38 else style._replace(background=colour)
        else:
            style = _apply_style_code(style, code)
        position += 1
    return style


_STYLE_CHANGES: Mapping[int, Mapping[str, Any]] = {
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


def _apply_style_code(style: Style, code: int) -> Style:
    if code == 0:
        return _PLAIN
    if code in _STYLE_CHANGES:
        return style._replace(**_STYLE_CHANGES[code])
    for first, field, bright in ((30, "colour", 0), (90, "colour", 8), (40, "background", 0), (100, "background", 8)):
        if first <= code < first + 8:
            changes: dict[str, Any] = {field: code - first + bright}
            return style._replace(**changes)
    return style


def _parse_extended_colour(codes: Sequence[int]) -> tuple[int | None, int]:
    """Return the nearest of 16 colours to a 256-colour or RGB code, None if invalid, and the number of codes read."""
    if codes[:1] == [5] and len(codes) >= 2:
        return _convert_256_colour(codes[1]), 2
    if codes[:1] == [2] and len(codes) >= 4:
        return _find_nearest_colour(codes[1], codes[2], codes[3]), 4
    return None, len(codes)


def _convert_256_colour(code: int) -> int:
    """Return the nearest of the sixteen terminal colours for a code of the 256-colour palette."""
    if code < 16:
        return code
    if code >= 232:
        grey = 8 + 10 * (code - 232)
        return _find_nearest_colour(grey, grey, grey)
    red, rest = divmod(code - 16, 36)
    green, blue = divmod(rest, 6)
    return _find_nearest_colour(*(0 if part == 0 else 55 + 40 * part for part in (red, green, blue)))


def _find_nearest_colour(red: int, green: int, blue: int) -> int:
    """Return the number of the terminal colour that is closest to an RGB colour."""
    strongest, weakest = max(red, green, blue), min(red, green, blue)
    if strongest - weakest < 40:
        return next(colour for limit, colour in ((64, 0), (150, 8), (215, 7), (1000, 15)) if strongest < limit)
    threshold = (strongest + weakest) / 2
    colour = (red > threshold) + 2 * (green > threshold) + 4 * (blue > threshold)
    return colour + 8 if strongest > 200 else colour
