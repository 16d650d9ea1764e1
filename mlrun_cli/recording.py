"""Writes down, beside the store, what each transaction changes: see `files.records`.

The files are written before the transaction commits: nothing that was acknowledged is missing in them. Where one
cannot be written, as on a full disk, the store goes on without it, and `workspace repair` makes it up.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.files.records import NAMES, append_lines, read_lines
from mlrun_cli.files.run_folder import RunFolder
from mlrun_cli.files.temporary import temporary_beside
from mlrun_cli.store.database import Database
from mlrun_cli.store.records import GONE, NAMED_TABLES, RUN, Change, RecordStore

_FUNCTION = "mlrun_changed"
_AT_ONCE = 1000
_LARGEST_BYTES = 1 << 18
"""A run's record is begun anew when it is longer: a script may change its tags all the time."""


class Recorder:
    """Keeps the records of one connection; `begin` and `write` frame each of its transactions."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._records = RecordStore(database)
        self._changes: dict[Change, None] = {}

    def begin(self) -> None:
        """Note changes from now on, and none of before."""
        self._changes.clear()
        self._database.watch(_FUNCTION, self._note, lambda: self._records.watch_statements(_FUNCTION))

    def write(self) -> None:
        """Write down what has changed, within the transaction."""
        if not self._changes:
            return
        changes, self._changes = list(self._changes), {}
        keys = [change.first for change in changes if change.table == RUN]
        for start in range(0, len(keys), _AT_ONCE):
            self.record_runs(keys[start : start + _AT_ONCE])
        self._record_deleted([change for change in changes if change.table == GONE])
        self._record_named([change for change in changes if change.table not in {RUN, GONE}])

    def record_runs(self, keys: list[int]) -> None:
        """Write down what the store says of some runs."""
        below: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for document in self._records.runs(keys):
            root = document["root"]
            if root is None or "minded_by" not in document["row"]:
                self._write_own(document)
            else:
                below[root].append(document)
        for root, documents in below.items():
            self._append_children(root, documents)

    def record_missing(self) -> int:
        """Write down, within a transaction, what an older version has not; of how many runs."""
        lacking = []
        for run_id, (key, _) in self._records.run_keys().items():
            folder = RunFolder(self._folder / "runs" / run_id)
            if folder.path.is_dir() and not folder.record.exists():
                lacking.append(key)
                if not folder.children.exists():
                    lacking += self._records.children_of(key)
        for start in range(0, len(lacking), _AT_ONCE):
            self.record_runs(lacking[start : start + _AT_ONCE])
        if not (self._folder / NAMES).exists():
            self._record_named(
                [Change(table, *(*key, None)[:2]) for table in NAMED_TABLES for key in self._records.named_keys(table)]
            )
        return len(lacking)

    def _note(self, table: str, first: Any, second: Any) -> None:
        self._changes[Change(table, first, second)] = None

    def _write_own(self, document: dict[str, Any]) -> None:
        folder = RunFolder(self._folder / "runs" / document["row"]["run_id"])
        with suppress(OSError):
            if "minded_by" in document["row"]:  # one without a script has no folder before
                with suppress(FileExistsError):
                    os.mkdir(folder.path, 0o700)
            size = _size(folder.record)
            if size:
                document["row"].pop("definition", None)  # long, the same for ever, and in the first line
            if size > _LARGEST_BYTES:
                self._begin_anew(folder.record, document)
            else:
                append_lines(folder.record, [document])

    def _begin_anew(self, record: Path, document: dict[str, Any]) -> None:
        (first, *_) = read_lines(record)
        definition = first.get("row", {}).get("definition")
        with temporary_beside(record) as shorter:
            append_lines(shorter, [document | {"row": {**document["row"], "definition": definition}}])
            shorter.replace(record)

    def _append_children(self, root: str, documents: list[dict[str, Any]]) -> None:
        with suppress(OSError):
            append_lines(RunFolder(self._folder / "runs" / root).children, documents)

    def _record_deleted(self, changes: list[Change]) -> None:
        for _, run_id, root_key in changes:
            root = None if root_key is None else self._records.run_id(root_key)
            if root is not None:
                self._append_children(root, [{"deleted": run_id}])

    def _record_named(self, changes: list[Change]) -> None:
        lines = [
            {"key": [first, second], "row": self._records.named(table, (first, second)), "table": table}
            for table, first, second in changes
        ]
        if lines:
            with suppress(OSError):
                append_lines(self._folder / NAMES, lines)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
