"""A journal: the file in which one process of a script writes down what it logs, one JSON line a call.

["m", name, time, step, value]     a scalar
["l", name, time, null, [value…]]  a list
["r", name, time, null, {…}]       a row
["t", name, time, null, {…}]       a table; a description may follow as a sixth element of these four
["g", time, {key: value}]          tags that are set
["G", time, [key…]]                tags that are removed
["e", time, status, error]         how the script says it ended
["i", name, time, null, uri]       an image that is kept; likewise `c` confusion matrix, `a` accuracy table,
                                   `d` residuals, `p` predictions
[">", run id, line]                any of these, but `e`, about another run than the journal's own
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from mlrun_cli.domain.metric import (
    ACCURACY_TABLE,
    CONFUSION_MATRIX,
    IMAGE,
    LIST,
    PREDICTIONS,
    RESIDUALS,
    ROW,
    TABLE,
    VALUE,
    Logged,
)
from mlrun_cli.domain.moment import MICROSECONDS

CHUNK_BYTES = 1 << 20

_LARGEST = 2**63
_LATEST = _LARGEST / MICROSECONDS

_SCALAR_FIELDS = 5
_SHAPES = {
    "m": VALUE,
    "l": LIST,
    "r": ROW,
    "t": TABLE,
    "i": IMAGE,
    "c": CONFUSION_MATRIX,
    "a": ACCURACY_TABLE,
    "d": RESIDUALS,
    "p": PREDICTIONS,
}
_OF_ANOTHER = ">"


class Entries(NamedTuple):
    """What a piece of a journal says, in its order, and the lines that say nothing readable."""

    logged: list[Logged]
    tag_changes: list[tuple[str, Any]]
    """`("set", {key: value})` and `("remove", [key…])`."""
    endings: list[tuple[str, Any]]
    """`(status, error or None)`."""
    unreadable: int
    others: dict[str, list[Any]]
    """By run id the lines about other runs than the journal's own, for `entries_of`."""


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
    """The entries of some whole lines.

    A line that a database could not take is unreadable too: the SDK writes none, a script by hand may.
    """
    lines, unreadable = _lines(data)
    entries = entries_of(lines)
    return entries._replace(unreadable=entries.unreadable + unreadable)


def entries_of(lines: list[Any]) -> Entries:
    """The entries of parsed lines."""
    entries = Entries([], [], [], 0, {})
    unreadable = 0
    add = entries.logged.append
    known: set[str] = set()
    for line in lines:
        try:
            if len(line) == _SCALAR_FIELDS:
                # By far the most frequent is a float by a name that has been seen to be one.
                kind, name, logged_at, step, value = line
                if type(value) is float and kind == "m" and name in known and type(logged_at) is float:
                    is_step = step is None or (type(step) is int and -_LARGEST < step < _LARGEST)
                    if is_step and logged_at < _LATEST:
                        add(Logged(VALUE, name, int(logged_at * MICROSECONDS), step, value, None))
                        continue
            if line[0] == _OF_ANOTHER:
                _, run_id, inner = line
                _require(isinstance(run_id, str) and isinstance(inner, list))
                entries.others.setdefault(run_id, []).append(inner)
                continue
            _sort_in(line, entries)
            known.add(line[1])
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            unreadable += 1
    return entries._replace(unreadable=unreadable)


def _is_storable(entry: Logged) -> bool:
    values = entry.value if entry.shape == LIST else (entry.value,)
    return (
        _is_text(entry.name)
        and abs(entry.logged_at) < _LARGEST
        and (entry.step is None or (isinstance(entry.step, (int, float)) and abs(entry.step) < _LARGEST))
        and (entry.description is None or _is_text(entry.description))
        and isinstance(values, (list, tuple))
        and all(
            entry.shape in {ROW, TABLE} or isinstance(value, (int, float, type(None))) or _is_text(value)
            for value in values
        )
    )


def _is_text(value: object) -> bool:
    """Text without lone surrogates, which no database takes."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode("utf-8") == value


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
    """Put one line where it belongs.

    Raises:
        ValueError: it says nothing that can be stored; so do KeyError, IndexError, TypeError and OverflowError.
    """
    kind = line[0]
    if kind in _SHAPES:
        description = line[5] if len(line) > _SCALAR_FIELDS else None
        logged = Logged(_SHAPES[kind], line[1], int(line[2] * MICROSECONDS), line[3], line[4], description)
        _require(_is_storable(logged))
        entries.logged.append(logged)
    elif kind == "g":
        _require(all(_is_text(key) and (value is None or _is_text(value)) for key, value in dict(line[2]).items()))
        entries.tag_changes.append(("set", line[2]))
    elif kind == "G":
        _require(all(map(_is_text, list(line[2]))))
        entries.tag_changes.append(("remove", line[2]))
    else:
        _require(kind == "e" and isinstance(line[2], str) and isinstance(line[3], (dict, type(None))))
        entries.endings.append((line[2], line[3]))


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def journal_names(folder: Path) -> list[str]:
    """The journals in a folder, oldest name first; none when the folder is gone."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except FileNotFoundError:
        return []
