"""A journal: the file in which one process of a script writes down what it logs, one JSON line a call.

["m", name, time, step, value]     a scalar
["l", name, time, null, [value…]]  a list
["r", name, time, null, {…}]       a row
["t", name, time, null, {…}]       a table; a description may follow as a sixth element of these four
["g", time, {key: value}]          tags that are set
["G", time, [key…]]                tags that are removed
["e", time, status, error]         how the script says it ended
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from mlrun_cli.domain.metric import LIST, ROW, TABLE, VALUE, Logged
from mlrun_cli.domain.moment import MICROSECONDS

CHUNK_BYTES = 1 << 20

_SCALAR_FIELDS = 5
_SHAPES = {"m": VALUE, "l": LIST, "r": ROW, "t": TABLE}


class Entries(NamedTuple):
    """What a piece of a journal says, in its order, and the lines that say nothing readable."""

    logged: list[Logged]
    tag_changes: list[tuple[str, Any]]
    """`("set", {key: value})` and `("remove", [key…])`."""
    endings: list[tuple[str, Any]]
    """`(status, error or None)`."""
    unreadable: int


def read_piece(descriptor: int, offset: int) -> bytes:
    """Whole lines from an offset on, about `CHUNK_BYTES` of them; empty at the end of what was acknowledged."""
    size = CHUNK_BYTES
    while True:
        data = os.pread(descriptor, size, offset)
        end = data.rfind(b"\n") + 1
        if end or len(data) < size:
            return data[:end]
        size *= 4


def parse_piece(data: bytes) -> Entries:
    """The entries of some whole lines."""
    entries = Entries([], [], [], 0)
    lines, unreadable = _lines(data)
    add = entries.logged.append
    for line in lines:
        try:
            if line[0] == "m" and len(line) == _SCALAR_FIELDS:
                # By far the most frequent.
                _, name, logged_at, step, value = line
                add(Logged(VALUE, name, int(logged_at * MICROSECONDS), step, value, None))
            else:
                _sort_in(line, entries)
        except (KeyError, IndexError, TypeError, ValueError):
            unreadable += 1
    return entries._replace(unreadable=unreadable)


def _lines(data: bytes) -> tuple[list[Any], int]:
    try:
        return json.loads(b"[" + data[:-1].replace(b"\n", b",") + b"]"), 0
    except ValueError:
        return _lines_one_by_one(data)


def _lines_one_by_one(data: bytes) -> tuple[list[Any], int]:
    """As `_lines` when one of them is damaged, as after a power cut."""
    lines, unreadable = [], 0
    for line in data.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            unreadable += 1
    return lines, unreadable


def _sort_in(line: list[Any], entries: Entries) -> None:
    kind = line[0]
    shape = _SHAPES.get(kind)
    if shape is not None:
        description = line[5] if len(line) > 5 else None
        entries.logged.append(Logged(shape, line[1], int(line[2] * MICROSECONDS), line[3], line[4], description))
    elif kind == "g":
        entries.tag_changes.append(("set", line[2]))
    elif kind == "G":
        entries.tag_changes.append(("remove", line[2]))
    elif kind == "e":
        entries.endings.append((line[2], line[3]))
    else:
        raise ValueError(kind)


def journal_names(folder: Path) -> list[str]:
    """The journals in a folder, oldest name first; none when the folder is gone."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except FileNotFoundError:
        return []
