"""Recording of each transaction's changes in files beside the store; see `runs.rebuild_files`.

The files are written before the transaction commits, so they contain everything that was acknowledged. If one cannot
be written, as on a full disk, the store continues without it, and `workspace repair` adds what is missing.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_lines import append_lines, iterate_json_lines
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.rebuild_files import NAMES, read_run_documents
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.rebuild_documents import GONE, NAMED_TABLES, RUN, UNRECORDED, Change, RebuildDocumentStore

_AT_ONCE = 1000
_LARGEST_BYTES = 1 << 18
"""The size above which a run's record is rewritten: a script may change its tags all the time."""


class Recorder:
    """Records the changes of one connection; `begin` and `write` frame each of its transactions."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._records = RebuildDocumentStore(database)
        self._changes: dict[Change, None] = {}

    def begin(self) -> None:
        """Start collecting changes, discarding those collected before."""
        self._changes.clear()
        self._database.watch(self._records.list_watched_tables, self._collect_change)

    def write(self) -> None:
        """Write the collected changes to the record files, within the transaction."""
        if not self._changes:
            return
        changes, self._changes = list(self._changes), {}
        self._record_runs([change.first for change in changes if change.table == RUN])
        self._record_deleted_runs([change for change in changes if change.table == GONE])
        self._record_named_rows([change for change in changes if change.table not in {RUN, GONE}])

    def read_documents(self, keys: Sequence[int]) -> list[dict[str, Any]]:
        """Return the documents of the runs with these keys, as the record files would contain them."""
        return list(self._records.read_documents(keys))

    def write_missing_records(self) -> int:
        """Record missing or outdated documents, in the caller's transaction; return the number of recorded runs.

        Documents may be missing because of an older version or a full disk.
        """
        told = self._read_recorded_fingerprints()
        lacking = {}
        for batch in _split_into_batches([key for key, _ in self._records.get_keys_and_statuses().values()]):
            for document in self._records.read_documents(batch):
                if told.get(document["row"]["run_id"]) != _compute_fingerprint(document):
                    lacking[document["row"]["run_key"]] = self._get_record_folder(document)
        self._record_runs(list(lacking))
        self._record_named_rows(self._list_unrecorded_named_rows())
        return sum(folder.path.is_dir() for folder in lacking.values())

    def _read_recorded_fingerprints(self) -> dict[str, str]:
        """Return the fingerprints of the runs in the record files, keyed by run id."""
        with suppress(FileNotFoundError):
            folders = [path for path in (self._folder / "runs").iterdir() if path.is_dir() and path.name[0] != "."]
            return {
                run_id: _compute_fingerprint(document)
                for path in folders
                for run_id, document in read_run_documents(RunFolder(path)).items()
            }
        return {}

    def _list_unrecorded_named_rows(self) -> list[Change]:
        """Return the keys of the rows of `NAMED_TABLES` that differ from their entries in the record file."""
        told = {
            Change(line["table"], *line["key"]): line["row"]
            for line in iterate_json_lines(self._folder / NAMES)
            if line.get("table") in NAMED_TABLES and {"key", "row"} <= line.keys()
        }
        changes = dict.fromkeys([*told, *self._list_named_rows()])
        return [
            change
            for change in changes
            if _select_recorded_columns(change.table, told.get(change))
            != _select_recorded_columns(change.table, self._records.find_row(*_get_table_and_key(change)))
        ]

    def _list_named_rows(self) -> list[Change]:
        """Return a `Change` that identifies each row of the `NAMED_TABLES`."""
        return [Change(table, *(*key, None)[:2]) for table in NAMED_TABLES for key in self._records.list_keys(table)]

    def _record_runs(self, keys: list[int]) -> None:
        """Write the documents of runs to the record files."""
        changed = frozenset(keys)
        for batch in _split_into_batches(keys):
            below: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for document in self._records.read_documents(batch):
                if _has_no_folder(document):
                    below[document["row"]["root_key"]].append(document)
                else:
                    self._write_to_own_folder(document)
            for root_key, documents in below.items():
                children = self._get_record_folder(documents[0]).children
                if not children.exists():  # an older version has written none
                    earlier = [
                        key for key in self._records.list_descendants_without_folder(root_key) if key not in changed
                    ]
                    for of_earlier in _split_into_batches(earlier):
                        self._append_to_file(children, list(self._records.read_documents(of_earlier)))
                self._append_to_file(children, documents)

    def _get_record_folder(self, document: dict[str, Any]) -> RunFolder:
        """Return the folder in which a run is recorded: its own folder, or that of its root run if it has none."""
        return RunFolder(
            self._folder / "runs" / (document["root"] if _has_no_folder(document) else document["row"]["run_id"])
        )

    def _collect_change(self, table: str, first_key: Any, second_key: Any) -> None:
        self._changes[Change(table, first_key, second_key)] = None

    def _write_to_own_folder(self, document: dict[str, Any]) -> None:
        """Append a run's document to the record file in the run's own folder; compact the file if it is large."""
        folder = RunFolder(self._folder / "runs" / document["row"]["run_id"])
        with suppress(OSError):
            if "owner_lock" in document["row"]:  # a run without a script has no folder yet
                with suppress(FileExistsError):
                    os.mkdir(folder.path, 0o700)
            size = _get_size(folder.record)
            if size:
                document["row"].pop("definition", None)  # long, never changed, and in the first line
            if size > _LARGEST_BYTES:
                self._rewrite_record(folder.record, document)
            else:
                append_lines(folder.record, [document])

    def _rewrite_record(self, record_path: Path, document: dict[str, Any]) -> None:
        """Replace a record file with one that contains only this document."""
        definition = next(iterate_json_lines(record_path), {}).get("row", {}).get("definition")
        with make_temporary_path(record_path) as shorter:
            append_lines(shorter, [document | {"row": {**document["row"], "definition": definition}}])
            shorter.replace(record_path)

    def _append_to_file(self, path: Path, documents: Sequence[Mapping[str, Any]]) -> None:
        with suppress(OSError):
            append_lines(path, documents)

    def _record_deleted_runs(self, changes: list[Change]) -> None:
        for _, run_id, root_key in changes:
            root = None if root_key is None else self._records.find_run_id(root_key)
            if root is not None:
                self._append_to_file(RunFolder(self._folder / "runs" / root).children, [{"deleted": run_id}])

    def _record_named_rows(self, changes: list[Change]) -> None:
        names = self._folder / NAMES
        if changes and not names.exists():  # an older version has written none
            changes = list(dict.fromkeys([*self._list_named_rows(), *changes]))
        lines = [
            {
                "key": [change.first, change.second],
                "row": self._records.find_row(*_get_table_and_key(change)),
                "table": change.table,
            }
            for change in changes
        ]
        if lines:
            self._append_to_file(names, lines)


def _has_no_folder(document: Mapping[str, Any]) -> bool:
    """Return whether a run has no run folder, as is the case for child runs without a script."""
    return document["root"] is not None and "owner_lock" in document["row"]


def _get_table_and_key(change: Change) -> tuple[str, tuple[Any, Any]]:
    return change.table, (change.first, change.second)


def _compute_fingerprint(document: Mapping[str, Any]) -> str:
    """Return a digest of a run's document, without volatile keys."""
    recorded = {
        **document,
        "experiment": document.get("experiment", {}).get("experiment_id"),  # its row is recorded separately
        "row": _select_recorded_columns(RUN, document.get("row")),
    }
    from hashlib import sha256  # noqa: PLC0415 - 3 ms and 1 MB, and only a repair needs it

    return sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()


def _select_recorded_columns(table: str, row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a row's columns without volatile columns and nulls, or None if the row is None."""
    if row is None:
        return None
    return {name: row[name] for name in row if name not in UNRECORDED.get(table, ()) and row[name] is not None}


def _split_into_batches(keys: list[int]) -> Iterator[list[int]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))


def _get_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
