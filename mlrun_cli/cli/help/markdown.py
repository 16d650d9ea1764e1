"""Rendering of the topics' Markdown for a terminal, limited to headings, paragraphs, lists, tables, code and links."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

_GAP = "  "
_UNDERLINES = {"#": "=", "##": "-"}

_BLOCK = re.compile(r"^```[\s\S]*?^```$|(?:^(?!```).+\n?)+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_ITEM = re.compile(r"^(?:-|\d+\.) ", re.MULTILINE)
_MARKED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_CELLS = re.compile(r"(?<!\\)\|")
_BOLD, _PLAIN = "\033[1m", "\033[0m"
_COLOURS = re.compile("\033\\[[01]m")


def render_markdown(source: str, width: int, *, colour: bool) -> str:
    """Return Markdown rendered as text for a terminal.

    Args:
        source: paragraphs, headings, `-` and `1.` lists, tables and fenced code.
        width: the maximum width of lines in columns; code is not wrapped.
        colour: whether to make headings, code and `**strong**` words bold instead of showing their marks.
    """
    blocks = (_render_block(match[0].strip("\n"), width, colour) for match in _BLOCK.finditer(source))
    return "\n\n".join(blocks) + "\n"


def _render_block(text: str, width: int, colour: bool) -> str:
    if text.startswith("```"):
        return textwrap.indent("\n".join(text.split("\n")[1:-1]), "    ")
    if text.startswith("#"):
        return _render_heading(text, colour)
    if text.startswith("|"):
        return _render_table(text, width, colour)
    items = list(_split_items(text)) if _ITEM.match(text) else [text]
    return "\n".join(line for item in items for line in _wrap_text(item, width, colour))


def _render_heading(text: str, colour: bool) -> str:
    marks, _, title = text.partition(" ")
    title = title.replace("`", "")
    if colour:
        return f"{_BOLD}{title}{_PLAIN}"
    return f"{title}\n{_UNDERLINES[marks] * len(title)}" if marks in _UNDERLINES else title


def _split_items(text: str) -> Iterator[str]:
    starts = [match.start() for match in _ITEM.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end]


def _wrap_text(text: str, width: int, colour: bool) -> list[str]:
    """Return the wrapped lines, at least one, of a paragraph, list item or table cell."""
    mark = _ITEM.match(text)
    wrapper = textwrap.TextWrapper(width, break_on_hyphens=False, break_long_words=False)
    wrapper.subsequent_indent = " " * len(mark[0]) if mark else ""
    filled = wrapper.fill(" ".join(_LINK.sub(_format_link, text).split()))
    return (_MARKED.sub(_make_bold, filled) if colour else filled).split("\n")


def _format_link(match: re.Match[str]) -> str:
    """Return a link as plain text that includes the `mlrun help` command or URL, if any, that it leads to."""
    words, target = match[1], match[2]
    topic = re.fullmatch(r"([a-z-]+)\.md(?:#.*)?", target)
    if topic:
        line = f"`mlrun help {topic[1]}`"
        return line if words == topic[1] else f"{words} ({line})"
    return f"{words} ({target})" if "://" in target else words


def _make_bold(match: re.Match[str]) -> str:
    """Return marked words in bold, with separate marks on each of their lines."""
    return "\n".join(
        re.sub(r"^( *)(.*)$", rf"\1{_BOLD}\2{_PLAIN}", line) for line in (match[1] or match[2]).split("\n")
    )


def _render_table(text: str, width: int, colour: bool) -> str:
    """Return a table with its columns side by side, wrapping the widest ones if it exceeds the width."""
    rows = [_split_cells(line) for line in text.split("\n")]
    del rows[1]  # the line of dashes
    widths = _fit_columns(
        [[_LINK.sub(_format_link, cell) for cell in column] for column in zip(*rows, strict=True)], width
    )
    wrapped = [[_wrap_text(cell, columns, colour) for cell, columns in zip(row, widths, strict=True)] for row in rows]
    separator = "\n\n" if any(len(row[0]) > 1 for row in wrapped) else "\n"
    heading, *rest = (_render_row(row, widths) for row in wrapped)
    body = separator.join(rest)
    return f"{heading}\n{_GAP.join('-' * columns for columns in widths)}\n{body}" if heading else body


def _split_cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line.strip())[1:-1]]


def _fit_columns(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return column widths reduced to fit, the widest first, but none below the longest word of its column."""
    widths = [max(map(len, cells)) for cells in columns]
    least = [max(len(word) for cell in cells for word in [*cell.split(), ""]) for cells in columns]
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and widths != least:
        _, widest = max((each, at) for at, each in enumerate(widths) if each > least[at])
        widths[widest] -= 1
    return widths


def _render_row(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    lines = []
    for at in range(max(map(len, cells))):
        parts = [cell[at] if at < len(cell) else "" for cell in cells]
        padded = [part + " " * (room - _measure_width(part)) for part, room in zip(parts, widths, strict=True)]
        lines.append(_GAP.join(padded).rstrip())
    return "\n".join(lines)


def _measure_width(text: str) -> int:
    return len(_COLOURS.sub("", text))
