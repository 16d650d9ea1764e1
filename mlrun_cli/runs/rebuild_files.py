"""Files beside a workspace's store that record its content, so that the store can be rebuilt.

The last line of `runs/<id>/record.jsonl` is the store's document of a run, except for its definition, which is in the
first line. `children.jsonl` contains the documents of the runs below it that have no folder of their own; the last line
of each counts. `names.jsonl` contains the rows of the workspace's named objects. Values are not recorded in these
files but in journals, which stay in the run's folder; those of ended sessions are in `logged/`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.runs.folder import RunFolder

NAMES = "names.jsonl"
OLD_OWNER_LOCK = "minded_by"
"""The name of `owner_lock` in the stores and records of earlier programs."""


def append_lines(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Append JSON lines to a private file, first terminating an incomplete last line left by a killed process.

    Raises:
        OSError: it cannot be written.
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
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in the lines of a file, except damaged lines; yield nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    document = json.loads(line)
                except ValueError:
                    continue
                if isinstance(document, dict):
                    yield document
    except OSError:
        return


def read_run_documents(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Return the documents of a run and of the runs below it that are recorded with it, keyed by run id."""
    definition = None
    found: dict[str, dict[str, Any]] = {}
    for path in (folder.children, folder.record):
        for document in read_lines(path):
            if "deleted" in document:
                found.pop(document["deleted"], None)
                continue
            row = document.get("row")
            if not isinstance(row, dict) or not isinstance(row.get("run_id"), str):
                continue
            if OLD_OWNER_LOCK in row:
                row.setdefault("owner_lock", row.pop(OLD_OWNER_LOCK))
            if path == folder.record:
                definition = row.setdefault("definition", definition)
            found[row["run_id"]] = document
    return found
