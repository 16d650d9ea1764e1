"""Small text files, which are read with a size limit and replaced atomically."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlrun_cli.core.similar_files import describe_similar_file
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.errors import InvalidFile

MAX_BYTES = 1 << 20


def read_text(path: Path) -> str:
    """Return the text of a small UTF-8 file without its byte order mark; line endings are preserved.

    Raises:
        InvalidFile: missing, unreadable, not a regular file, longer than `MAX_BYTES`, not UTF-8, or empty.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a FIFO would wait for its writer
            raise InvalidFile(path, "is a folder" if stat.S_ISDIR(mode) else "is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        why = (isinstance(error, OSError) and error.strerror) or error
        hint = describe_similar_file(path) if isinstance(error, FileNotFoundError) else None
        raise InvalidFile(path, f"cannot be read: {why}", hint=hint) from error
    if len(data) > MAX_BYTES:
        raise InvalidFile(path, f"is longer than {MAX_BYTES >> 10} KiB", hint="Is it the file you meant?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidFile(path, "is not UTF-8 text", line=line, hint="Save it as UTF-8.") from error
    if not text.strip():
        raise InvalidFile(path, "is empty")
    return text


def replace_text(path: Path, text: str) -> None:
    """Write a text file atomically, so that a reader sees either the old or the new content.

    Raises:
        OSError: it cannot be written; the old file is then unchanged.
    """
    with make_temporary_path(path) as unfinished:
        with unfinished.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
