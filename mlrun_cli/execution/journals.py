"""Takes what a run's processes have logged from their journals into the store."""

from __future__ import annotations

import os
import stat

from mlrun_cli.domain.redaction import Redaction
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.files.journal import CHUNK_BYTES, Entries, journal_names, parse_piece, read_piece
from mlrun_cli.files.run_folder import RunFolder
from mlrun_cli.workspace import Workspace


class _ReadElsewhereError(Exception):
    """Another reader has moved an offset: what was read here is in the store already."""


class JournalReader:
    """Follows the journals of one run.

    Values and the offset up to which they were read commit together, and the offset moves only from where it
    was: whatever dies and whoever else reads, each line is stored once.
    """

    def __init__(self, workspace: Workspace, run_key: int, folder: RunFolder) -> None:
        self._workspace = workspace
        self._run_key = run_key
        self._folder = folder
        self._offsets = workspace.journals.bytes_read(run_key)
        self._turn = 0
        self.unreadable_lines = 0

    def take_in(self) -> int:
        """Store what comes next in the journals, a mebibyte or so; how many bytes there were to take in."""
        pieces = self._next_pieces()
        size = sum(map(len, pieces.values()))
        if not size:
            return 0
        entries = {name: parse_piece(piece) for name, piece in pieces.items()}
        try:
            with self._workspace.transaction():
                for name, piece in pieces.items():
                    self._store(name, len(piece), entries[name])
        except _ReadElsewhereError:
            self._offsets = self._workspace.journals.bytes_read(self._run_key)
            return size
        for name, piece in pieces.items():
            self._offsets[name] = self._offsets.get(name, 0) + len(piece)
            self.unreadable_lines += entries[name].unreadable
        return size

    def take_in_all(self) -> None:
        """Store everything that has been acknowledged to the script by now."""
        while self.take_in():
            pass

    def has_taken_in(self, name: str, offset: int) -> bool:
        """Whether a journal is in the store up to an offset."""
        return self._offsets.get(name, 0) >= offset

    def _next_pieces(self) -> dict[str, bytes]:
        """Pieces by journal, each journal in its turn, so that one transaction never locks the store for long."""
        names = journal_names(self._folder.journal)
        pieces: dict[str, bytes] = {}
        size = 0
        for place in range(len(names)):
            name = names[(self._turn + place) % len(names)]
            piece = self._next_piece(name)
            if piece:
                pieces[name] = piece
                size += len(piece)
            if size >= CHUNK_BYTES:
                self._turn += place + 1
                break
        return pieces

    def _next_piece(self, name: str) -> bytes:
        """What follows in one journal; nothing when it cannot be read now.

        Opened for each piece: a run may have more journals than a process may have open files.
        """
        offset = self._offsets.get(name, 0)
        path = self._folder.journal / name
        try:
            found = os.lstat(path)
            if found.st_size <= offset or not stat.S_ISREG(found.st_mode):
                return b""
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return b""
        try:
            return read_piece(descriptor, offset)
        finally:
            os.close(descriptor)

    def _store(self, name: str, size: int, entries: Entries) -> None:
        before = self._offsets.get(name, 0)
        workspace, key = self._workspace, self._run_key
        if not workspace.journals.advance(key, name, before, before + size):
            raise _ReadElsewhereError
        if entries.logged:
            workspace.metrics.add(key, entries.logged)
        for change, what in entries.tag_changes:
            if change == "set":
                workspace.runs.set_tags(key, what)
            else:
                workspace.runs.remove_tags(key, what)
        for status, error in entries.endings:
            wanted = RunStatus.FAILED if status == RunStatus.FAILED.value else RunStatus.COMPLETED
            workspace.runs.update(key, wanted_status=wanted, wanted_error=Redaction().document(error))
