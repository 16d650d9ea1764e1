"""What a file is shown as, judged by its name and its first bytes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

_HEAD_BYTES = 4096
_MOST_JSON = 512 * 1024
_MOST_SHOWN_JSON = 4 << 20
_MOST_CSV = 256 * 1024
_MOST_ROWS = 200
_MOST_COLUMNS = 100
_SEPARATORS = ",;\t"

IMAGE_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}
_TEXT_SUFFIXES = frozenset({".txt", ".log", ".out", ".err"})
"""Shown as text whatever is in them: a log may hold rubbish."""
SVG_TYPE = "image/svg+xml"


class FileKind(str, Enum):
    """How a file is shown."""

    TEXT = "text"
    IMAGE = "image"
    JSON = "json"
    TABLE = "table"
    BINARY = "binary"


class Unformatted(Exception):
    """A document that is shown as it is; the message says why."""


class Table(NamedTuple):
    """The beginning of a file of separated values."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_cut: bool


def kind_of(name: str, descriptor: int) -> FileKind:
    """What to show a file as."""
    suffix = os.path.splitext(name)[1].lower()
    if image_type(name, descriptor) is not None:
        return FileKind.IMAGE
    if suffix not in _TEXT_SUFFIXES and b"\0" in os.pread(descriptor, _HEAD_BYTES, 0):
        return FileKind.BINARY
    if suffix == ".json":
        return FileKind.JSON
    return FileKind.TABLE if suffix in {".csv", ".tsv"} else FileKind.TEXT


def image_type(name: str, descriptor: int) -> str | None:
    """The media type of a picture that an `<img>` can show, in which no script runs; None for what is none."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if name.lower().endswith(".svg") and b"<svg" in head:
        return SVG_TYPE
    return next((kind for magic, kind in IMAGE_TYPES.items() if head.startswith(magic)), None)


def pretty_json(descriptor: int) -> str:
    """The document with its members on lines of their own.

    Raises:
        Unformatted: it is none, or too big or too deep to be shown so.
    """
    if os.fstat(descriptor).st_size > _MOST_JSON:
        raise Unformatted("it is too big to be formatted")
    data = os.pread(descriptor, _MOST_JSON, 0)
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(data)):
            pieces.append(piece)
            length += len(piece)
            if length > _MOST_SHOWN_JSON:
                raise Unformatted("it is too deep to be formatted")
    except ValueError:
        raise Unformatted("it is no JSON") from None
    except RecursionError:
        raise Unformatted("it is too deep to be formatted") from None
    return "".join(pieces)


def table_of(name: str, descriptor: int) -> Table:
    """The first rows of a table.

    Raises:
        Unformatted: it cannot be read as one.
    """
    data = os.pread(descriptor, _MOST_CSV, 0)
    is_cut = len(data) < os.fstat(descriptor).st_size
    text = data.decode("utf-8-sig", "replace")
    rows: list[list[str]] = []
    try:
        for row in _rows(text, "\t" if name.lower().endswith(".tsv") else _separator(text)):
            rows.append(row[:_MOST_COLUMNS])
            if len(rows) > _MOST_ROWS:
                return Table(rows[0], rows[1:], is_cut=True)
    except csv.Error:
        raise Unformatted("it is no table") from None
    if is_cut:
        rows.pop()
    if not rows:
        raise Unformatted("it is no table")
    return Table(rows[0], rows[1:], is_cut)


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _separator(text: str) -> str:
    """A comma where the first row has one; else what makes the most of it."""

    def columns(separator: str) -> int:
        return len(next(_rows(text, separator), ()))

    return "," if columns(",") > 1 else max(_SEPARATORS, key=columns)
