"""The files of a run on a machine reached by ssh, which are sent as they grow."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.runs.heartbeat import read_server_time
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.wire.run_folder import LOG_FOLDERS

_CHUNK_BYTES = 1 << 22
_REPLACED = frozenset({"journal/resources.json"})
"""Files that are replaced by new ones instead of appended to."""
_TREE_SHARE = 20
"""How much longer than a walk of the outputs the pause after it is."""
_TREE_SECONDS = 1.0


class ChunkBuffer:
    """The file chunks of one response, up to a total size."""

    def __init__(self, max_bytes: int) -> None:
        self.payload = bytearray()
        self.is_full = False
        self._most = max_bytes

    def add(self, data: bytes) -> None:
        """Add a chunk of a file to the data to be sent."""
        self.payload += data

    def get_max_chunk_size(self) -> int:
        """Return the maximum size of the next chunk of a file in bytes."""
        return max(0, min(_CHUNK_BYTES, self._most - len(self.payload)))


class RunFiles:
    """The growing files of one run, read in an order that keeps their contents consistent.

    Events first: whatever was written before an event is then in what is read later.
    """

    def __init__(self, folder: SharedRunFolder, sizes: Mapping[str, int]) -> None:
        """Create a reader; `sizes` are the sizes that the remote machine already has, keyed by relative path."""
        self._folder = folder
        self._sent = dict(sizes)
        self._versions: dict[str, tuple[int, int]] = {}
        self._outcome_sent = False
        self._heartbeat = 0.0
        self._tree = ""
        self._tree_sent = ""
        self._next_tree = 0.0

    def read(self, buffer: ChunkBuffer) -> dict[str, Any]:
        """Return the changes of the files since the last call, omitting unchanged keys; add new bytes to `buffer`.

        Keys are `files` (a list of path, offset and size of each chunk), `more` (True if there is more to send),
        `heartbeat` (its text and age in seconds), `outcome` (the text of outcome.json) and `tree` (a fingerprint of the
        files that are not sent here).
        """
        answer: dict[str, Any] = {}
        chunks: list[tuple[str, int, int]] = []
        outcome = self._read_outcome()
        for name in self._iterate_paths():
            chunk = self._read_chunk(name, buffer)
            if chunk is None:
                continue
            offset, size, is_whole = chunk
            if size or offset == 0:
                chunks.append((name, offset, size))
            if not is_whole:
                answer["more"] = True
        if chunks:
            answer["files"] = chunks
        if outcome is not None:
            answer["outcome"] = outcome
        heartbeat = self._read_heartbeat()
        if heartbeat is not None:
            answer["heartbeat"] = heartbeat
        self._update_fingerprint()
        if self._tree != self._tree_sent:
            answer["tree"] = self._tree_sent = self._tree
        return answer

    def _iterate_paths(self) -> Iterator[str]:
        """Yield the relative paths of the files to transfer, the events first."""
        folders = ("events", "questions", "journal", *(f"artifacts/{name}" for name in LOG_FOLDERS))
        for folder in folders:
            with suppress(OSError):
                for name in sorted(os.listdir(self._folder.path / folder)):
                    if not is_temporary(name):
                        yield f"{folder}/{name}"

    def _read_chunk(self, name: str, buffer: ChunkBuffer) -> tuple[int, int, bool] | None:
        """Add a file's next chunk to `buffer`; return its offset, size and whether it is the last, or None if none."""
        try:
            descriptor = os.open(self._folder.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                return None
            sent = self._sent.get(name)
            is_replaced = name in _REPLACED
            # A new file may get the inode of the one before the last.
            version = (state.st_ino, state.st_mtime_ns if is_replaced else 0)
            # Of a file that grows, what an earlier connection has sent is its beginning.
            is_other = self._versions.get(name, None if is_replaced else version) != version
            if sent is None or is_other or state.st_size < sent:
                sent = 0
            elif state.st_size == sent:
                return None
            self._versions[name] = version
            data = os.pread(descriptor, buffer.get_max_chunk_size(), sent)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        buffer.add(data)
        self._sent[name] = sent + len(data)
        return sent, len(data), sent + len(data) >= state.st_size

    def _read_outcome(self) -> str | None:
        if self._outcome_sent:
            return None
        try:
            text = self._folder.outcome.read_text("utf-8", "surrogateescape")
        except OSError:
            return None
        self._outcome_sent = True
        return text

    def _read_heartbeat(self) -> dict[str, Any] | None:
        try:
            changed_at = os.stat(self._folder.heartbeat).st_mtime
            if changed_at == self._heartbeat:
                return None
            self._heartbeat = changed_at
            text = self._folder.heartbeat.read_text("ascii", "replace")
        except OSError:
            return None
        return {"text": text, "age": max(0.0, self._read_server_time() - changed_at)} if text else None

    def _read_server_time(self) -> float:
        """Return the time by the clock of the file server, or else by this machine's."""
        try:
            return read_server_time(SharedFolder(self._folder.path.parents[1]))
        except OSError:
            return time.time()

    def _update_fingerprint(self) -> None:
        """Update the fingerprint of the outputs if that is due."""
        begun = time.monotonic()
        if begun < self._next_tree:
            return
        count = size = 0
        newest = 0
        for top in (self._folder.work / "outputs", self._folder.work / "logs", self._folder.uploads):
            for found in _walk_entries(top):
                count, size, newest = count + 1, size + found.st_size, max(newest, found.st_mtime_ns)
        self._tree = f"{count} {size} {newest}" if count else ""
        self._next_tree = time.monotonic() + max(_TREE_SECONDS, _TREE_SHARE * (time.monotonic() - begun))


def _walk_entries(top: Path) -> Iterator[os.stat_result]:
    """Yield the stat results of all files and folders below a folder, without following links."""
    folders = [os.fspath(top)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
