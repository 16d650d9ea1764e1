"""Append-only files with one JSON object per line.

A writer that cannot tell whether a line is durable appends the same line once more. Readers skip such a repetition: a
line with a `number` that equals the line before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

NUMBER = "number"
"""The key of a line's number among those of its writer."""


def append_lines(path: Path, documents: Iterable[Mapping[str, Any]], *, durable: bool = False) -> None:
    """Append JSON lines to a private file, first terminating a partial last line left by a killed process.

    `durable` waits until they are on the disk, or with the server of a network file system.

    Raises:
        OSError: they cannot be written; an incomplete line is removed again.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        cut = size and os.pread(descriptor, 1, size - 1) != b"\n"
        text = "".join(f"{json.dumps(document)}\n" for document in documents)
        rest = memoryview(("\n" + text if cut else text).encode())
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            os.ftruncate(descriptor, size)  # half a first line would lose data that is in no other line
            raise
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_json_lines_files(folder: Path) -> list[Path]:
    """Return the JSON lines files in a folder, sorted by name; empty if the folder cannot be read."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(".jsonl")]


def iterate_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a file, except repetitions and damaged lines; nothing if the file cannot be read."""
    before = b""
    try:
        with path.open("rb") as file:
            for line in file:
                document = _parse_line(line)
                if document is not None and not (line == before and NUMBER in document):
                    yield document
                before = line
    except OSError:
        return


def read_json_lines(
    path: Path, offset: int, end: int | None = None, *, is_last: Callable[[Mapping[str, Any]], bool] | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Return the objects in the complete lines from `offset` to `end`, except repetitions, and the offset after them.

    With `is_last`, reading stops after the first object for which it returns True.

    On a network file system, the lines are those that its file server has now.

    Raises:
        OSError: it cannot be read.
    """
    from mlrun_cli.wire.fresh_files import refresh_file_size  # noqa: PLC0415 - start-up: loads ctypes

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        refresh_file_size(descriptor)
        size = os.fstat(descriptor).st_size if end is None else end
        data = os.pread(descriptor, size - offset, offset) if size > offset else b""
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        before = _read_same_line(descriptor, lines[0], offset) if lines else b""
    finally:
        os.close(descriptor)
    documents = []
    for line in lines:
        offset += len(line)
        document = _parse_line(line)
        is_repeated = line == before
        before = line
        if document is not None and not (is_repeated and NUMBER in document):
            documents.append(document)
            if is_last is not None and is_last(document):
                break
    return documents, offset


def _read_same_line(descriptor: int, line: bytes, offset: int) -> bytes:
    """Return the line that ends at an offset if it is as long as `line`, else something that is no such line."""
    start = offset - len(line)
    if start < 0:
        return b""
    found = os.pread(descriptor, len(line) + 1, start - 1) if start else b"\n" + os.pread(descriptor, len(line), 0)
    return found[1:] if found.startswith(b"\n") else b""


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
