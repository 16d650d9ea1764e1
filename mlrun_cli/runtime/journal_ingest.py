"""Ingestion of the journals that processes write into the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Protocol

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import RunNotFound, StoreError
from mlrun_cli.metrics.journal import (
    CHUNK_BYTES,
    Entries,
    get_journal_attempt,
    get_journal_sizes,
    list_journal_names,
    open_journal,
    parse_chunk,
    read_chunk,
)
from mlrun_cli.metrics.metric import LoggedValue
from mlrun_cli.runs.parameters import Parameter
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.run_transaction import get_journal_offsets, open_run_transaction
from mlrun_cli.store.runs.parameter_store import ParameterStore
from mlrun_cli.store.runs.run_store import RunStore
from mlrun_cli.workspace import Workspace

READ_OFFSETS_NAME = "read.json"
"""A file beside journals: the offset, by journal, up to which all but values is in the records of runs."""

_Chunks = Mapping[str, tuple[int, bytes]]
"""The offset of a chunk of a journal and its complete lines, by journal name."""


class _OffsetMoved(Exception):
    """Another reader has advanced an offset, so the data just read is already in the store."""


_NOT_OF_A_LINE = (StoreError, OSError, RunNotFound, _OffsetMoved)
"""The errors for which no line of a journal is to blame."""


class Offsets(Protocol):
    """The offsets up to which the store has ingested the journals of a folder."""

    def read(self, journal_names: Sequence[str]) -> Mapping[str, int]:
        """Return the offsets up to which these journals, and possibly others, have been read, keyed by journal name."""

    def advance(self, journal_name: str, old_offset: int, new_offset: int) -> bool:
        """Advance a journal's read offset, in the caller's transaction; return False if another reader has moved it."""


class RunOffsets:
    """The offsets of a run's journals."""

    def __init__(self, workspace: Workspace, run_key: int) -> None:
        self._workspace = workspace
        self._run_key = run_key

    def read(self, journal_names: Sequence[str]) -> Mapping[str, int]:  # noqa: ARG002 — one query reads all of them
        """Return the offsets up to which the journals of the run have been read, keyed by journal name."""
        return get_journal_offsets(self._workspace, self._run_key)

    def advance(self, journal_name: str, old_offset: int, new_offset: int) -> bool:
        """Advance a journal's read offset, in the caller's transaction; return False if another reader has moved it."""
        return self._workspace.journals.advance(self._run_key, journal_name, old_offset, new_offset)


class SessionOffsets:
    """The offsets of a session's journals, which do not belong to a single run."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._workspace = workspace
        self._folder = folder

    def read(self, journal_names: Sequence[str]) -> Mapping[str, int]:
        """Return the offsets up to which these journals have been read, keyed by journal name."""
        return {name: self._workspace.journals.get_session_offset(name) for name in journal_names}

    def advance(self, journal_name: str, old_offset: int, new_offset: int) -> bool:
        """Advance a journal's read offset, in the caller's transaction; return False if another reader has moved it."""
        if old_offset == 0 and not self._folder.is_dir():
            # The session has ended: all of its data is in the store, and its offsets were deleted.
            return False
        return self._workspace.journals.advance_session_offset(journal_name, old_offset, new_offset)


class JournalReader:
    """A reader of the journals in the folder of a run, or of a session whose lines contain the ids of runs.

    Values and the offset up to which they were read are committed together, and an offset is moved only if no other
    reader has moved it. So each line is stored exactly once, even after crashes and with concurrent readers.
    """

    def __init__(
        self,
        workspace: Workspace,
        folder: Path,
        run_key: int | None,
        redactor: Redactor | None = None,
        *,
        is_scratch: bool = False,
        is_shared: bool = False,
    ) -> None:
        """Create a reader that starts after what is already in the store.

        Args:
            workspace: the workspace whose store ingests the journals.
            folder: the folder of the journals.
            run_key: the key of the run that the journals belong to; None for those of a session.
            redactor: the redactor of the run, which knows its secrets; None for the workspace's.
            is_scratch: whether the store is a scratch store, which is not rebuilt and does not know all runs: nothing
              is noted beside the journals, and no lines count as damaged.
            is_shared: whether another machine writes them, on a network file system.
        """
        self._workspace = workspace
        self._redactor = redactor or workspace.redactor
        self._runs = workspace.runs if redactor is None else workspace.create_run_store(redactor)
        self._run_key = run_key
        self.last_attempt: int | None = None
        """The attempt whose journals, and those of earlier ones, are read; None reads all."""
        self._is_scratch = is_scratch
        self._is_shared = is_shared
        self._folder = folder
        self._offset_store: Offsets = (
            SessionOffsets(workspace, folder) if run_key is None else RunOffsets(workspace, run_key)
        )
        self._offsets = dict(self._offset_store.read(list_journal_names(folder)))
        self._next_journal = 0
        self._unreadable_lines = 0
        self._unforeseen = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about lines that this reader skipped, to be added to the run."""
        if not self._unreadable_lines or self._is_scratch:
            return ()
        warning = f"{self._unreadable_lines} damaged lines of the run's journals were left out."
        if self._unforeseen:
            warning += f" Some of them could not be stored, which is a bug in mlrun-cli: {self._unforeseen}"
        return (warning,)

    def ingest(self) -> int:
        """Store the next part of the journals, about 1 MiB; return its size in bytes."""
        chunks = self._read_next_chunks()
        try:
            self._store_chunks(chunks)
        except _OffsetMoved:
            self._offsets = dict(self._offset_store.read(list_journal_names(self._folder)))
        return sum(len(chunk) for _, chunk in chunks.values())

    def _store_chunks(self, chunks: _Chunks) -> None:
        """Store chunks of journals; skip lines that cannot be stored, so that they do not prevent a run from ending."""
        if not chunks:
            return
        try:
            entries = {name: parse_chunk(chunk) for name, (_, chunk) in chunks.items()}
            with self._open_transaction():
                unreadable = sum(
                    self._store_chunk(name, offset, len(chunk), entries[name])
                    for name, (offset, chunk) in chunks.items()
                )
        except Exception as error:
            # In the process of a session, a signal handler of its script may raise anything.
            if self._run_key is None or isinstance(error, _NOT_OF_A_LINE):
                raise
            smaller = _split_chunks(chunks)
            for part in smaller:
                self._store_chunks(part)
            if not smaller:
                self._skip_line(chunks, error)
        else:
            self._record_ingested_chunks(chunks, unreadable)

    def _open_transaction(self) -> AbstractContextManager[None]:
        """Open a transaction, in which the run exists if the journals are those of one."""
        if self._run_key is None:
            return self._workspace.transaction()
        return open_run_transaction(self._workspace, self._run_key)

    def _skip_line(self, chunks: _Chunks, error: Exception) -> None:
        """Advance the read offset past a line that cannot be stored, and remember the error for a warning."""
        with self._open_transaction():
            for name, (offset, chunk) in chunks.items():
                self._advance_offset(name, offset, len(chunk))
        self._unforeseen = " ".join(f"{type(error).__name__}: {error}".split())
        self._record_ingested_chunks(chunks, 1)

    def _record_ingested_chunks(self, chunks: _Chunks, unreadable_count: int) -> None:
        """Remember that chunks have been stored, and count their unreadable lines for a warning."""
        self._offsets.update((name, offset + len(chunk)) for name, (offset, chunk) in chunks.items())
        self._unreadable_lines += unreadable_count

    def ingest_all(self) -> None:
        """Store all journal lines that have been acknowledged to the script."""
        while self.ingest():
            pass

    def read_sizes(self) -> Mapping[str, int]:
        """Return the current sizes of the journals in bytes, keyed by name."""
        return get_journal_sizes(self._folder)

    def has_ingested(self, journal_sizes: Mapping[str, int]) -> bool:
        """Return whether at least this many bytes of each journal are in the store."""
        return all(self._offsets.get(name, 0) >= size for name, size in journal_sizes.items())

    def ingest_until_now(self) -> None:
        """Store all journal lines acknowledged before this call, however many are written during it."""
        sizes = self.read_sizes()
        while not self.has_ingested(sizes):
            if not self.ingest():  # an incomplete line was never acknowledged
                return

    def _read_next_chunks(self) -> dict[str, tuple[int, bytes]]:
        """Return the offset and the next chunk of journals, keyed by name, up to about 1 MiB for one transaction."""
        names = list_journal_names(self._folder)
        if self.last_attempt is not None:
            names = [name for name in names if get_journal_attempt(name) <= self.last_attempt]
        chunks: dict[str, tuple[int, bytes]] = {}
        size = 0
        for place in range(len(names)):
            name = names[(self._next_journal + place) % len(names)]
            offset = self._offsets.get(name, 0)
            chunk = self._read_next_chunk(name, offset)
            if chunk:
                chunks[name] = offset, chunk
                size += len(chunk)
            if size >= CHUNK_BYTES:
                self._next_journal += place + 1
                break
        return chunks

    def _read_next_chunk(self, journal_name: str, offset: int) -> bytes:
        """Return the next chunk of a journal, or empty bytes if there is none or it cannot be read.

        The file is opened for each chunk: a run may have more journals than a process may have open files.
        """
        with ExitStack() as stack:
            try:
                # Opened first: only that makes the client of a network file system ask for the current size.
                descriptor = stack.enter_context(open_journal(self._folder / journal_name))
                if self._is_shared:
                    from mlrun_cli.wire.fresh_files import refresh_file_size  # noqa: PLC0415 - start-up: loads ctypes

                    refresh_file_size(descriptor)
                found = os.fstat(descriptor)
                if found.st_size <= offset or not stat.S_ISREG(found.st_mode):
                    return b""
                return read_chunk(descriptor, offset)
            except OSError:
                return b""

    def _store_chunk(self, journal_name: str, offset: int, chunk_size: int, entries: Entries) -> int:
        """Store a chunk of a journal; return the number of skipped entries: unreadable or of deleted runs."""
        self._advance_offset(journal_name, offset, chunk_size)
        if self._run_key is not None:
            self._store_entries(self._run_key, entries)
            store_requested_ends(self._runs, self._run_key, entries, self._redactor)
        unreadable = entries.unreadable
        for run_id, others in entries.others.items():
            if not self._store_entries_of_run(run_id, others):
                unreadable += len(others.logged) + len(others.tag_changes) + len(others.parameters)
        if not self._is_scratch and has_run_record_entries(entries):
            self._record_read_offset(journal_name, offset + chunk_size)
        return unreadable

    def _record_read_offset(self, journal_name: str, offset: int) -> None:
        """Record, for a rebuild, up to which offset run records contain all entries of a journal but values."""
        path = self._folder / READ_OFFSETS_NAME
        with suppress(OSError):
            write_json(path, {**(read_json(path) or {}), journal_name: offset})

    def _advance_offset(self, journal_name: str, offset: int, chunk_size: int) -> None:
        """Advance the read offset of a journal past a chunk; raise if another reader has moved it."""
        if not self._offset_store.advance(journal_name, offset, offset + chunk_size):
            raise _OffsetMoved

    def _store_entries(self, run_key: int, entries: Entries) -> None:
        if entries.logged:
            self._workspace.metrics.add(run_key, redact_logged_values(entries.logged, self._redactor))
        store_tag_changes(self._runs, run_key, entries)
        store_parameters(self._workspace.parameters, run_key, entries, self._redactor)

    def _store_entries_of_run(self, run_id: str, entries: Entries) -> bool:
        """Store the entries of a run, which may be in the trash; return False if the run no longer exists.

        Its key is read for each chunk, since another process may have deleted or restored it.
        """
        key = self._workspace.runs.find_key(run_id)
        if key is not None:
            self._store_entries(key, entries)
            return True
        key = self._workspace.trash.find_key(run_id)
        if key is None:
            return False
        with self._workspace.trash.unpack_run(key):
            self._store_entries(key, entries)
        return True


def redact_logged_values(logged: list[LoggedValue], redactor: Redactor) -> list[LoggedValue]:
    """Return logged values with the run's secrets redacted in their texts."""
    if not redactor.run_secrets:
        return logged
    return [
        one
        if type(one.value) is float and one.description is None
        else one._replace(
            value=redactor.redact_run_secrets(one.value), description=redactor.redact_run_secrets(one.description)
        )
        for one in logged
    ]


def store_tag_changes(runs: RunStore, run_key: int, entries: Entries) -> None:
    """Store the tag changes in these entries for a run, in the caller's transaction."""
    tags: dict[str, str | None] = {}
    removed: dict[str, None] = {}
    for change, what in entries.tag_changes:
        for name in what:
            tags.pop(name, None)
            removed.pop(name, None)
            if change == "set":
                tags[name] = what[name]
            else:
                removed[name] = None
    # Together, since each change of tags costs as much as the text of all tags of the run.
    runs.remove_tags(run_key, removed)
    runs.set_tags(run_key, tags)


def store_parameters(parameters: ParameterStore, run_key: int, entries: Entries, redactor: Redactor) -> None:
    """Store the logged parameters in these entries for a run, without secrets, in the caller's transaction."""
    if entries.parameters:
        clean = redactor.redact_document(entries.parameters)
        parameters.set_logged_parameters(run_key, {name: Parameter.from_text(text) for name, text in clean.items()})


def store_requested_ends(runs: RunStore, run_key: int, entries: Entries, redactor: Redactor) -> None:
    """Store the ends of runs that a script has requested in these entries, in the caller's transaction."""
    for status, error in entries.endings:
        wanted = RunStatus.FAILED if status == RunStatus.FAILED.value else RunStatus.COMPLETED
        runs.request_end(run_key, wanted, redactor.redact_error(error))


def has_run_record_entries(entries: Entries) -> bool:
    """Return whether any entries belong in the run record: tags, parameters or requests to end the run."""
    own = entries.tag_changes or entries.parameters or entries.endings
    return bool(own) or any(map(has_run_record_entries, entries.others.values()))


def _split_chunks(chunks: _Chunks) -> Sequence[_Chunks]:
    """Split chunks by journal, or a single journal into two halves; return an empty list for a single line."""
    if len(chunks) > 1:
        return [{name: chunk} for name, chunk in chunks.items()]
    ((name, (offset, chunk)),) = chunks.items()
    half = chunk.rfind(b"\n", 0, len(chunk) // 2) + 1 or chunk.find(b"\n") + 1
    if half == len(chunk):
        return []
    return [{name: (offset, chunk[:half])}, {name: (offset + half, chunk[half:])}]
