"""What a file is shown as, judged by its name and its first bytes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

_HEAD_BYTES = 4096
_MOST_JSON = 512 * 1024
_MOST_SHOWN_JSON = 4 << 20
_MOST_CSV = 256 * 1024
_MOST_ROWS = 200
_MOST_COLUMNS = 100

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


class Table(NamedTuple):
    """The beginning of a file of comma-separated values."""

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
    if suffix == ".json" and os.fstat(descriptor).st_size <= _MOST_JSON:
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


def pretty_json(descriptor: int) -> str | None:
    """The document with its members on lines of their own; None when it is none, or is too deep to be shown so."""
    data = os.pread(descriptor, _MOST_JSON, 0)
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(data)):
            pieces.append(piece)
            length += len(piece)
            if length > _MOST_SHOWN_JSON:
                return None
    except (ValueError, RecursionError):
        return None
    return "".join(pieces)


def table_of(name: str, descriptor: int) -> Table | None:
    """The first rows of a table; None when it cannot be read as one."""
    data = os.pread(descriptor, _MOST_CSV, 0)
    is_cut = len(data) < os.fstat(descriptor).st_size
    text = data.decode("utf-8-sig", "replace")
    if is_cut:
        text = text[: text.rfind("\n") + 1]
    reader = csv.reader(text.splitlines(), delimiter="\t" if name.lower().endswith(".tsv") else ",")
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row[:_MOST_COLUMNS])
            if len(rows) > _MOST_ROWS:
                return Table(rows[0], rows[1:], is_cut=True)
    except csv.Error:
        return None
    return Table(rows[0], rows[1:], is_cut) if rows else None
