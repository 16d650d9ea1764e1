"""JSON files of this program, which are written atomically and readable only by their user."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.temporary import make_temporary_path


def write_json(path: Path, document: Mapping[str, Any], *, durable: bool = False) -> None:
    """Write a JSON file atomically, readable only by its user; `durable` waits until it is on disk."""
    with make_temporary_path(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            data = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape")
            while data:
                data = data[os.write(descriptor, data) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    if durable:
        sync_to_disk(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file, or None if the file is missing or invalid, as after a power failure."""
    try:
        return parse_json(path.read_bytes().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return None


def parse_json(text: str) -> dict[str, Any] | None:
    """Return the object in the text of a JSON file, or None if that is invalid."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def sync_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of entries, is written to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
