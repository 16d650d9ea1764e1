"""Import of runs, values and named objects that exist only in a workspace's folders into its store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.json_lines import iterate_json_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import MlrunError, RunNotEnded
from mlrun_cli.metrics.journal import (
    Entries,
    get_journal_attempt,
    list_journal_names,
    open_journal,
    parse_chunk,
    read_chunk,
)
from mlrun_cli.pipelines.run_types import REUSED_PROPERTY
from mlrun_cli.runs.attempt import get_attempt_number, parse_attempts
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.rebuild_files import NAMES, read_run_documents
from mlrun_cli.runs.status import TERMINAL_STATUSES
from mlrun_cli.runtime.journal_ingest import (
    READ_OFFSETS_NAME,
    has_run_record_entries,
    store_parameters,
    store_requested_ends,
    store_tag_changes,
)
from mlrun_cli.runtime.old_run_folders import read_old_run_document
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.journals import JournalStore
from mlrun_cli.store.metrics import MetricStore
from mlrun_cli.store.rebuild_documents import NAMED_TABLES, RebuildDocumentStore
from mlrun_cli.store.runs.parameter_store import ParameterStore
from mlrun_cli.store.runs.run_store import RunStore
from mlrun_cli.store.salvage import Salvage
from mlrun_cli.store.trash import TrashStore
from mlrun_cli.wire.run_folder import JOURNAL


class ImportReport(NamedTuple):
    """A report of the rows added to a store.

    Attributes:
        runs: the ids of the added runs.
        salvaged: the number of runs that only a damaged store contained.
        salvaged_metrics: the number of metrics that only a damaged store contained.
        values: the number of logged values.
        named: the number of rows by table.
        unreadable: descriptions of data that could not be read.
    """

    runs: list[str]
    salvaged: int
    salvaged_metrics: int
    values: int
    named: dict[str, int]
    unreadable: list[str]


def import_folders(
    database: Database, folder: Path, redactor: Redactor, *, is_rebuilt: bool, salvage: Salvage | None = None
) -> ImportReport:
    """Import runs that exist only as folders into a store, in one transaction, and return a report.

    Args:
        database: the database of the workspace.
        folder: the folder of the workspace.
        redactor: redacts the secrets in the folders' data.
        is_rebuilt: whether the store was just rebuilt and is not in use yet: then its unfinished runs, and the journals
          of sessions that it does not know, are imported from the folders entirely.
        salvage: a damaged store, for data that is in no folder.

    Raises:
        StoreError: it cannot be written.
        UsageError: the key of a run that has not ended was given to another run.
    """
    with database.transaction(durable=True):
        return _FolderImport(database, folder, redactor, salvage, is_rebuilt=is_rebuilt).run()


class _FolderImport:
    """An import, in the caller's transaction."""

    def __init__(
        self, database: Database, folder: Path, redactor: Redactor, salvage: Salvage | None, *, is_rebuilt: bool
    ) -> None:
        self._database = database
        self._salvage = salvage
        self._folder = folder
        self._is_rebuilt = is_rebuilt
        self._records = RebuildDocumentStore(database)
        self._runs = RunStore(database, redactor)
        self._parameters = ParameterStore(database)
        self._redactor = redactor
        self._metrics = MetricStore(database)
        self._journals = JournalStore(database)
        self._added: dict[str, int] = {}
        self._salvaged: dict[str, Mapping[str, Any]] = {}
        self._values = 0
        self._unreadable: list[str] = []

    def run(self) -> ImportReport:
        """Import all records and run folders into the store, and return a report."""
        for run_folder in self._iterate_run_folders():
            run_folder.restore_access()
        named = self._add_named_rows()
        if self._salvage is not None:
            self._salvage.insert_missing_named_rows(self._database)
        documents = self._add_missing_runs()
        for run_folder in self._iterate_run_folders():
            self._import_run_journals(run_folder)
        for session in self._list_sessions():
            self._import_session(session)
        metrics = 0 if self._salvage is None else self._salvage.insert_more_complete_metrics(self._database)
        for run_id, key in self._added.items():
            self._add_reused_metrics(key, documents[run_id].get("properties") or {})
        return ImportReport(list(self._added), len(self._salvaged), metrics, self._values, named, self._unreadable)

    def _add_named_rows(self) -> dict[str, int]:
        """Add experiments and other named rows from their file; return the number of added rows, keyed by table."""
        last: dict[tuple[str, str], dict[str, Any]] = {}
        for line in iterate_json_lines(self._folder / NAMES):
            last[str(line.get("table")), repr(line.get("key"))] = line
        added: dict[str, int] = {}
        for table in NAMED_TABLES:
            for (of_table, _), line in last.items():
                if of_table == table and line.get("row") is not None and self._add_named_row(table, line["row"]):
                    added[table] = added.get(table, 0) + 1
        return added

    def _add_named_row(self, table: str, row: Mapping[str, Any]) -> bool:
        try:
            return self._records.insert_named_row(table, row)
        except (MlrunError, AttributeError, TypeError):
            self._unreadable.append(f"{NAMES}: {table}")
            return False

    def _add_missing_runs(self) -> Mapping[str, Mapping[str, Any]]:
        """Add the runs that the store does not have, and return the documents of all runs, keyed by run id."""
        there = self._records.get_keys_and_statuses()
        documents = self._read_documents()
        without_record = self._read_old_documents({*documents, *there})
        self._assign_keys(without_record, [*(key for key, _ in there.values()), *_list_keys(documents)])
        documents.update((document["row"]["run_id"], document) for document in without_record)
        if self._is_rebuilt:
            for run_id in documents.keys() & there.keys():
                key, status = there[run_id]
                if status not in TERMINAL_STATUSES:
                    self._records.delete_run(key)
                    del there[run_id]
        trashed = TrashStore(self._database).list_ids()
        wanted = [document for run_id, document in documents.items() if run_id not in there and run_id not in trashed]
        for document in sorted(wanted, key=lambda each: int(each["row"].get("run_key", 0))):
            self._add_run(document)
        for run_id, key in self._added.items():
            self._records.set_relatives(key, documents[run_id])
        return documents

    def _add_reused_metrics(self, run_key: int, properties: Mapping[str, str]) -> None:
        """Copy the metrics of the earlier run whose results a step run reuses, unless the step run has any."""
        origin = self._runs.find_key(properties.get(REUSED_PROPERTY, ""))
        if origin is not None and not self._metrics.count_values(run_key):
            self._metrics.copy(origin, run_key)
            self._values += self._metrics.count_values(run_key)

    def _read_documents(self) -> dict[str, Mapping[str, Any]]:
        """Return the documents of runs from folders, or else from a damaged store, keyed by run id."""
        documents: dict[str, Mapping[str, Any]] = {}
        for folder in self._iterate_run_folders():
            documents.update(read_run_documents(folder))
        if self._salvage is not None:
            salvaged = self._salvage.read_documents()
            self._salvaged = {run_id: salvaged[run_id] for run_id in salvaged.keys() - documents.keys()}
            documents.update(self._salvaged)
        return documents

    def _read_old_documents(self, excluded: Collection[str]) -> list[Mapping[str, Any]]:
        """Return the documents of the runs that an older version has stored in folders, without keys."""
        old = [folder for folder in self._iterate_run_folders() if folder.path.name not in excluded]
        return [document for document in map(read_old_run_document, old) if document is not None]

    def _assign_keys(self, documents: list[Mapping[str, Any]], keys: list[int]) -> None:
        """Assign keys to runs of an older version, below all other keys and ordered by creation time."""
        first = min(keys, default=len(documents) + 1) - len(documents)
        for place, document in enumerate(sorted(documents, key=lambda each: int(each["row"]["created_at"]))):
            # There may be too few free keys, so keys may be negative; 0 is never used.
            document["row"]["run_key"] = first + place if first > 0 else first + place - 1

    def _add_run(self, document: Mapping[str, Any]) -> None:
        row = document["row"]
        self._database.execute("SAVEPOINT run")
        try:
            if "run_number" not in row:
                row["run_number"] = self._records.get_next_run_number(document["experiment"]["name"])
            key = self._records.insert_run(document)
        except (MlrunError, AttributeError, KeyError, TypeError, ValueError):
            self._database.execute("ROLLBACK TO run")
            self._unreadable.append(str(row.get("run_id")))
        else:
            self._added[row["run_id"]] = key
        self._database.execute("RELEASE run")
        if self._added.get(row["run_id"], row.get("run_key")) != row.get("run_key") and self._is_alive(row["run_id"]):
            raise RunNotEnded(
                f"The run {row['run_id']} has not ended, and its place in the store has been given to another run.",
                hint="Wait until it has ended, then repair.",
                target=row["run_id"],
            )

    def _is_alive(self, run_id: str) -> bool:
        """Return whether a supervisor holds the lock of a run."""
        try:
            lock = OwnerLock.open(RunFolder(self._folder / "runs" / run_id).lock)
        except OSError:
            return False
        try:
            return not lock.is_free()
        finally:
            lock.close()

    def _import_run_journals(self, folder: RunFolder) -> None:
        """Import the values in a run's journals, and in its copies of the journals of ended sessions."""
        run_id = folder.path.name
        own = self._added.get(run_id)
        known = self._runs.find_key(run_id)
        offsets = {} if known is None else self._journals.get_offsets(known)
        noted = {
            **self._salvaged.get(run_id, {}).get("journals", {}),
            **(read_json(folder.journal / READ_OFFSETS_NAME) or {}),
        }
        attempts = () if own is None else self._runs.get_by_key(own).attempts
        attempt, last = 1, get_attempt_number(attempts)
        for name in sorted(list_journal_names(folder.journal), key=get_journal_attempt):
            if own is not None and attempt < min(get_journal_attempt(name), last):
                attempt = min(get_journal_attempt(name), last)
                self._metrics.begin_attempt(own)
            # If the store knew the run, other readers continue after the offset that it has read.
            end = None if own is not None else offsets.get(name, 0)
            read = self._import_journal(folder.journal / name, own, end, noted.get(name, 0))
            if own is not None and read:
                self._journals.advance(own, name, 0, read)
        has_started = bool(attempts) and parse_attempts(attempts)[-1].started_at is not None
        if own is not None and attempt < last and has_started:
            self._metrics.begin_attempt(own)
        alive = {name for session in self._list_sessions() for name in list_journal_names(session / JOURNAL)}
        for name in list_journal_names(folder.logged):
            if name not in alive:
                self._import_journal(folder.logged / name, None, None, None)

    def _import_session(self, folder: Path) -> None:
        """Import what the store has already read of a session's journals, or all of them into a rebuilt store."""
        noted = read_json(folder / JOURNAL / READ_OFFSETS_NAME) or {}
        for name in list_journal_names(folder / JOURNAL):
            path = folder / JOURNAL / name
            before = self._journals.get_session_offset(name)
            self._import_journal(path, None, before, noted.get(name, 0))
            if self._is_rebuilt and not before:
                read = self._import_journal(path, None, None, noted.get(name, 0), includes_all_runs=True)
                self._journals.advance_session_offset(name, 0, read)

    def _import_journal(
        self,
        path: Path,
        owner_run_key: int | None,
        end_offset: int | None,
        recorded_offset: int | None,
        *,
        includes_all_runs: bool = False,
    ) -> int:
        """Store a journal's values of added runs, or of all runs; return the offset up to which it was read.

        Args:
            path: the journal.
            owner_run_key: the key of the run that the journal belongs to, if that run was added.
            end_offset: the offset to read up to; None means all complete lines.
            recorded_offset: the offset up to which only values are stored, since records contain the rest; None means
                all.
            includes_all_runs: whether to store entries of runs that were not added too.
        """
        if not (self._added or includes_all_runs):
            return 0
        offset = 0
        with ExitStack() as stack:
            try:
                descriptor = stack.enter_context(open_journal(path))
            except OSError:
                return 0
            while chunk := read_chunk(descriptor, offset):
                if end_offset is not None:
                    chunk = chunk[: max(0, end_offset - offset)]
                if recorded_offset is not None and offset < recorded_offset < offset + len(chunk):
                    chunk = chunk[: recorded_offset - offset]
                if not chunk:
                    break
                is_noted = recorded_offset is None or offset < recorded_offset
                self._store_run_entries(
                    parse_chunk(chunk), owner_run_key, is_recorded=is_noted, includes_all_runs=includes_all_runs
                )
                offset += len(chunk)
        return offset

    def _store_run_entries(
        self, entries: Entries, owner_run_key: int | None, *, is_recorded: bool, includes_all_runs: bool
    ) -> None:
        if owner_run_key is not None:
            self._store_entries(owner_run_key, entries, is_recorded=is_recorded)
        for run_id, others in entries.others.items():
            key = self._added.get(run_id)
            if key is None and includes_all_runs:
                key = self._runs.find_key(run_id)
            if key is not None:
                self._store_entries(key, others, is_recorded=is_recorded)

    def _store_entries(self, run_key: int, entries: Entries, *, is_recorded: bool) -> None:
        """Store the values of entries and, unless records contain them, tags, parameters and requested ends."""
        if entries.logged:
            self._metrics.add(run_key, entries.logged)
            self._values += len(entries.logged)
        if is_recorded or not has_run_record_entries(entries):
            return
        store_tag_changes(self._runs, run_key, entries)
        store_parameters(self._parameters, run_key, entries, self._redactor)
        store_requested_ends(self._runs, run_key, entries, Redactor())

    def _iterate_run_folders(self) -> Iterator[RunFolder]:
        with suppress(FileNotFoundError):
            for path in sorted((self._folder / "runs").iterdir()):
                if path.is_dir() and not path.name.startswith("."):
                    yield RunFolder(path)

    def _list_sessions(self) -> list[Path]:
        with suppress(FileNotFoundError):
            folders = sorted((self._folder / "sessions").iterdir())
            return [path for path in folders if path.is_dir() and not path.name.startswith(".")]
        return []


def _list_keys(documents: Mapping[str, Mapping[str, Any]]) -> list[int]:
    keys = (document["row"].get("run_key") for document in documents.values())
    return [key for key in keys if isinstance(key, int)]
