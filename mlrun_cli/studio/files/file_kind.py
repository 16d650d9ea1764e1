"""Kinds of files, detected by name and content, and the formatting of documents."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from enum import Enum

from mlrun_cli.core.named_tuple import NamedTuple

_HEADER_BYTES = 4096
_MAX_JSON = 512 * 1024
_MAX_SHOWN_JSON = 4 << 20
_MAX_CSV = 256 * 1024
_MAX_ROWS = 200
_MAX_COLUMNS = 100
_SEPARATORS = ",;\t"

IMAGE_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}
_TEXT_SUFFIXES = frozenset({".txt", ".log", ".out", ".err"})
"""Suffixes of files shown as text even if they have binary content, as logs may have."""
SVG_TYPE = "image/svg+xml"


class FileKind(str, Enum):
    """The ways to display a file."""

    TEXT = "text"
    IMAGE = "image"
    JSON = "json"
    TABLE = "table"
    BINARY = "binary"


class NotFormattable(Exception):
    """An error for documents that cannot be formatted and are displayed as plain text, with the reason."""


class TablePreview(NamedTuple):
    """The first rows of a CSV or TSV file."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_cut: bool


def detect_file_kind(name: str, descriptor: int) -> FileKind:
    """Detect how to display a file from its name and its first bytes."""
    suffix = os.path.splitext(name)[1].lower()
    if detect_image_type(name, descriptor) is not None:
        return FileKind.IMAGE
    if suffix not in _TEXT_SUFFIXES and b"\0" in os.pread(descriptor, _HEADER_BYTES, 0):
        return FileKind.BINARY
    if suffix == ".json":
        return FileKind.JSON
    return FileKind.TABLE if suffix in {".csv", ".tsv"} else FileKind.TEXT


def detect_image_type(name: str, descriptor: int) -> str | None:
    """Return the media type of an image that can safely be displayed in an `<img>`, or None for other files."""
    head = os.pread(descriptor, _HEADER_BYTES, 0)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if name.lower().endswith(".svg") and b"<svg" in head:
        return SVG_TYPE
    return next((kind for magic, kind in IMAGE_TYPES.items() if head.startswith(magic)), None)


def format_json(descriptor: int) -> str:
    """Read a JSON file and return its document as indented text.

    Raises:
        NotFormattable: the document is not JSON, too big or too deeply nested.
    """
    if os.fstat(descriptor).st_size > _MAX_JSON:
        raise NotFormattable("it is too big to be formatted")
    data = os.pread(descriptor, _MAX_JSON, 0)
    pieces: list[str] = []
    length = 0
    try:
        for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(data)):
            pieces.append(piece)
            length += len(piece)
            if length > _MAX_SHOWN_JSON:
                raise NotFormattable("it is too deep to be formatted")
    except ValueError:
        raise NotFormattable("it is not JSON") from None
    except RecursionError:
        raise NotFormattable("it is too deep to be formatted") from None
    return "".join(pieces)


def read_table(name: str, descriptor: int) -> TablePreview:
    """Read the first rows of a CSV or TSV file.

    Raises:
        NotFormattable: the file is not a table.
    """
    data = os.pread(descriptor, _MAX_CSV, 0)
    is_cut = len(data) < os.fstat(descriptor).st_size
    text = data.decode("utf-8-sig", "replace")
    rows: list[list[str]] = []
    try:
        for row in _read_rows(text, "\t" if name.lower().endswith(".tsv") else _guess_separator(text)):
            rows.append(row[:_MAX_COLUMNS])
            if len(rows) > _MAX_ROWS:
                return TablePreview(rows[0], rows[1:], is_cut=True)
    except csv.Error:
        raise NotFormattable("it is not a table") from None
    if is_cut:
        rows.pop()
    if not rows:
        raise NotFormattable("it is not a table")
    return TablePreview(rows[0], rows[1:], is_cut)


def _read_rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _guess_separator(text: str) -> str:
    """Return a comma if the first row contains one, or else the separator that results in the most columns."""

    def count_columns(separator: str) -> int:
        return len(next(_read_rows(text, separator), ()))

    return "," if count_columns(",") > 1 else max(_SEPARATORS, key=count_columns)
