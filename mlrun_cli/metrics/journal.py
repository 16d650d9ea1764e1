"""Reading of journals, whose lines are described in `wire.journal_lines`.

The SDK writes no other lines. A script that writes its journal itself may write any bytes: lines that do not match the
description count as unreadable, so that everything else can be stored and shown.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.metrics.metric import (
    ACCURACY_TABLE,
    CONFUSION_MATRIX,
    IMAGE,
    LIST,
    PREDICTIONS,
    RESIDUALS,
    ROW,
    TABLE,
    VALUE,
    LoggedValue,
)
from mlrun_cli.wire import journal_lines
from mlrun_cli.wire.journal_lines import END, OF_OTHER_RUN, REMOVE_TAGS, SCALAR, SET_PARAMETERS, SET_TAGS

CHUNK_BYTES = 1 << 20

_LARGEST = 2**63
_YEAR_10000 = 253_402_300_800

_SCALAR_FIELDS = 5
_SHAPES = {
    journal_lines.SCALAR: VALUE,
    journal_lines.LIST: LIST,
    journal_lines.ROW: ROW,
    journal_lines.TABLE: TABLE,
    journal_lines.IMAGE: IMAGE,
    journal_lines.CONFUSION_MATRIX: CONFUSION_MATRIX,
    journal_lines.ACCURACY_TABLE: ACCURACY_TABLE,
    journal_lines.RESIDUALS: RESIDUALS,
    journal_lines.PREDICTIONS: PREDICTIONS,
}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES}


class Entries(NamedTuple):
    """The entries of a chunk of a journal in order, and the number of unreadable lines."""

    logged: list[LoggedValue]
    tag_changes: list[tuple[str, Any]]
    """`("set", {key: value})` and `("remove", [key…])`."""
    endings: list[tuple[str, Any]]
    """`(status, error or None)`."""
    parameters: dict[str, str]
    """The logged parameters."""
    unreadable: int
    others: dict[str, Entries]
    """The entries of runs other than the journal's own, keyed by run id; their unreadable lines are counted above."""


@contextmanager
def open_journal(path: Path) -> Iterator[int]:
    """Open a journal for reading and yield its descriptor, without following a link or blocking on a FIFO.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_chunk(descriptor: int, offset: int) -> bytes:
    """Return complete lines starting at an offset, about `CHUNK_BYTES` bytes in total; empty if there are none."""
    size = CHUNK_BYTES
    while True:
        data = os.pread(descriptor, size, offset)
        end = data.rfind(b"\n") + 1
        if end or len(data) < size:
            return data[:end]
        size *= 4


def parse_chunk(data: bytes) -> Entries:
    """Return the entries in complete lines of a journal; invalid lines are only counted."""
    lines, unreadable = _parse_lines(data)
    entries = _parse_entries(lines)
    return entries._replace(unreadable=entries.unreadable + unreadable)


def _parse_entries(lines: list[Any]) -> Entries:
    entries = Entries([], [], [], {}, 0, {})
    unreadable = 0
    add = entries.logged.append
    known: set[str] = set()
    lines_of_others: dict[str, list[Any]] = {}
    for line in lines:
        try:
            if len(line) == _SCALAR_FIELDS:
                # By far the most frequent entry is a float under a name that has been validated.
                kind, name, logged_at, step, value = line
                if type(value) is float and kind == SCALAR and name in known and type(logged_at) is float:
                    is_step = step is None or (type(step) is int and -_LARGEST <= step < _LARGEST)
                    if is_step and -_YEAR_10000 < logged_at < _YEAR_10000:
                        add(LoggedValue(VALUE, name, int(logged_at * MICROSECONDS), step, value, None))
                        continue
            _require(type(line) is list)
            if line[0] == OF_OTHER_RUN:
                _, run_id, inner = line
                _require(_is_storable_text(run_id) and type(inner) is list and inner[0] not in {OF_OTHER_RUN, END})
                lines_of_others.setdefault(run_id, []).append(inner)
            elif line[0] in _SHAPES:
                logged = _parse_logged_value(line)
                add(logged)
                known.add(logged.name)
            else:
                _add_metadata(line, entries)
        except (KeyError, IndexError, TypeError, ValueError):
            unreadable += 1
    entries.others.update((run_id, _parse_entries(inner)) for run_id, inner in lines_of_others.items())
    unreadable += sum(others.unreadable for others in entries.others.values())
    return entries._replace(unreadable=unreadable)


def _parse_logged_value(line: list[Any]) -> LoggedValue:
    """Return the logged value in a line of a journal.

    Raises:
        ValueError: the line has no value that can be stored and read; IndexError and TypeError mean the same.
    """
    kind, name, logged_at, step, value, *rest = line
    description = rest[0] if rest else None
    _require(
        _is_storable_text(name)
        and -_YEAR_10000 < logged_at < _YEAR_10000
        and (step is None or -_LARGEST <= step < _LARGEST)
        and _has_shape(_SHAPES[kind], value)
        and (description is None or _is_storable_text(description))
    )
    return LoggedValue(_SHAPES[kind], name, int(logged_at * MICROSECONDS), step, value, description)


def _has_shape(shape: str, value: object) -> bool:
    """Return whether a logged value is valid for a shape, such as a list of scalars for `list`."""
    if shape == VALUE:
        return _is_scalar(value)
    if shape == LIST:
        return _is_scalar_list(value)
    if shape == ROW:
        return _is_dict_with_text_keys(value, _is_scalar)
    if shape == TABLE:
        return _is_dict_with_text_keys(value, lambda cells: _is_scalar(cells) or _is_scalar_list(cells))
    return _is_storable_text(value)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (int, float)) or _is_storable_text(value)


def _is_scalar_list(values: object) -> bool:
    return type(values) is list and all(map(_is_scalar, values))


def _is_dict_with_text_keys(pairs: object, is_value: Callable[[object], bool]) -> bool:
    """Return whether a value is a dict with text keys and values that `is_value` accepts."""
    return type(pairs) is dict and all(map(_is_storable_text, pairs)) and all(map(is_value, pairs.values()))


def _is_storable_text_or_none(value: object) -> bool:
    return value is None or _is_storable_text(value)


def _is_storable_text(value: object) -> bool:
    """Return whether a value is a string without lone surrogates, which databases do not accept."""
    return isinstance(value, str) and (value.isascii() or value.encode("utf-8", "replace").decode("utf-8") == value)


def _parse_lines(data: bytes) -> tuple[list[Any], int]:
    """Parse complete lines; return their values and the number of invalid lines."""
    try:
        lines = json.loads(b"[" + data[:-1].replace(b"\n", b",") + b"]")
    except (ValueError, RecursionError):
        return _parse_lines_one_by_one(data)
    # A value may have spanned several lines.
    return (lines, 0) if len(lines) == data.count(b"\n") else _parse_lines_one_by_one(data)


def _parse_lines_one_by_one(data: bytes) -> tuple[list[Any], int]:
    """Parse complete lines one at a time; return the values of valid lines and the number of invalid ones."""
    lines, unreadable = [], 0
    for line in data[:-1].split(b"\n"):
        try:
            lines.append(json.loads(line))
        except (ValueError, RecursionError):
            unreadable += 1
    return lines, unreadable


def _add_metadata(line: list[Any], entries: Entries) -> None:
    """Parse a line that changes tags, logs parameters or ends a run, and add its content to the entries.

    Raises:
        ValueError: the line contains none of these; IndexError and TypeError mean the same.
    """
    kind, _, what = line[:3]
    if kind == SET_TAGS:
        _require(_is_dict_with_text_keys(what, _is_storable_text_or_none))
        entries.tag_changes.append(("set", what))
    elif kind == REMOVE_TAGS:
        _require(type(what) is list and all(map(_is_storable_text, what)))
        entries.tag_changes.append(("remove", what))
    elif kind == SET_PARAMETERS:
        _require(_is_dict_with_text_keys(what, _is_storable_text))
        entries.parameters.update(what)
    else:
        error = line[3]
        _require(
            kind == END
            and _is_storable_text(what)
            and (error is None or _is_dict_with_text_keys(error, _is_storable_text_or_none))
        )
        entries.endings.append((what, error))


def _require(condition: bool) -> None:
    """Raise ValueError, which marks a line as invalid, unless a condition is true."""
    if not condition:
        raise ValueError


def get_journal_sizes(folder: Path) -> dict[str, int]:
    """Return the sizes in bytes of a folder's journals, keyed by name; journals removed meanwhile are omitted."""
    sizes = {}
    for name in list_journal_names(folder):
        with suppress(OSError):
            sizes[name] = os.lstat(folder / name).st_size
    return sizes


def build_journal_name(name: str, attempt_number: int) -> str:
    """Return the name of a journal written during an attempt; `get_journal_attempt` is the inverse."""
    return name if attempt_number == 1 else f"a{attempt_number}-{name}"


def get_journal_attempt(name: str) -> int:
    """Return the number of the attempt that wrote a journal, according to the journal's name."""
    match = re.match(r"a(\d{1,9})-", name)
    return 1 if match is None else int(match[1])


def list_journal_names(folder: Path) -> list[str]:
    """Return the names of the journals in a folder, sorted; empty if the folder is missing or unreadable.

    Files whose names are not valid text are ignored.
    """
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl") and _is_storable_text(name))
    except OSError as error:
        if error.errno not in _NO_FOLDER:
            raise
        return []
