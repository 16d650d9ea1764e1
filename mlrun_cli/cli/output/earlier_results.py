"""Notes on the files of `-t` that earlier attempts of a command wrote and later attempts may replace."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from mlrun_cli.core.home import get_home_folder, make_private_folder
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.errors import StoreError

_MANY = 500
"""The number of notes above which the notes on files that no longer exist are removed."""


def is_from_earlier_attempt(path: Path, command: list[str]) -> bool:
    """Return whether the same command line wrote the file and the file is still unchanged."""
    try:
        note = read_json(_get_attempt_note_path(path))
        return note is not None and note == _build_attempt_note(path, command)
    except OSError:
        return False


def record_attempt(path: Path, command: list[str]) -> None:
    """Record that a command line wrote a file, so that its later attempts may replace the file; ignore failures."""
    note = _get_attempt_note_path(path)
    with suppress(OSError, StoreError):
        make_private_folder(note.parent)
        write_json(note, _build_attempt_note(path, command))
        notes = list(note.parent.iterdir())
        for other in notes if len(notes) > _MANY else ():
            described = read_json(other)
            if described is not None and not os.path.lexists(str(described.get("path"))):
                other.unlink(missing_ok=True)


def _build_attempt_note(path: Path, command: list[str]) -> dict[str, str]:
    digest = sha256("\0".join(command).encode("utf-8", "surrogateescape")).hexdigest()
    content = sha256(path.read_bytes()).hexdigest()
    return {"command": digest, "content": content, "path": os.fspath(path.absolute())}


def _get_attempt_note_path(path: Path) -> Path:
    return get_home_folder(os.environ) / "results" / f"{sha256(os.fsencode(path.absolute())).hexdigest()}.json"
