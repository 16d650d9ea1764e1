"""The snapshots on disk, with each file content stored once and a manifest for each snapshot.

    <folder>/objects/ab/cdef…      the bytes whose SHA-256 is abcdef…
    <folder>/manifests/<id>.json   a snapshot; written once and never changed
    <folder>/cache/<key>.json      the digests of a source folder's files at the last snapshot
    <folder>/incoming/             files that are being written; renamed when complete

All files have mode 0600 and all folders 0700. Any number of processes may write at the same time.
"""

# Ten thousand paths as text take a tenth of the time that they take as Path.

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.core.temporary import make_temporary_name, remove_abandoned_files
from mlrun_cli.errors import StoredFilesLost, StoreError
from mlrun_cli.snapshots.snapshot import Snapshot, SnapshotEntry, escape_path
from mlrun_cli.wire import copying

_ABANDONED_AFTER_SECONDS = 24 * 60 * 60


class IncomingFile:
    """A file that is being written, and is removed unless `move_to` is called."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.descriptor = descriptor
        self._path = path

    def write(self, content: bytes) -> None:
        """Append `content` to the file."""
        with _convert_errors(self._path):
            copying.write_all(self.descriptor, content)

    def clone_from(self, source_fd: int) -> bool:
        """Clone an open file into this one, sharing its blocks; return False if the file system does not support it."""
        with _convert_errors(self._path):
            return copying.clone(source_fd, self.descriptor)

    def copy_from(self, source_fd: int) -> int:
        """Copy an open file into this one, sharing its blocks if possible; return the number of copied bytes."""
        with _convert_errors(self._path):
            return copying.copy(source_fd, self.descriptor)

    def move_to(self, destination: str) -> None:
        """Move the file to its destination, replacing an existing file; create the folder if it is missing."""
        with _convert_errors(destination):
            try:
                os.replace(self._path, destination)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(destination), 0o700, exist_ok=True)
                os.replace(self._path, destination)


class SnapshotStore:
    """The snapshots of a workspace, in a folder that is created at the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._incoming = os.path.join(self._folder, "incoming")

    def get_object_path(self, digest: str) -> str:
        """Return the path of the content with this SHA-256 digest (hexadecimal)."""
        return f"{self._folder}/objects/{digest[:2]}/{digest[2:]}"

    def has_object(self, digest: str, size: int) -> bool:
        """Return whether the content with this digest is stored in full; a power failure may truncate the file."""
        try:
            found = os.lstat(self.get_object_path(digest))
        except OSError:
            return False
        return found.st_size == size and stat.S_ISREG(found.st_mode)

    def open_object(self, digest: str) -> int:
        """Open the content with this SHA-256 digest for reading and return its descriptor.

        Raises:
            OSError: the content does not exist or cannot be read.
        """
        return os.open(self.get_object_path(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def read_start(self, digest: str, max_bytes: int) -> bytes:
        """Return the first `max_bytes` bytes of the content with this SHA-256 digest, or all of it if it is shorter.

        Raises:
            OSError: the content does not exist or cannot be read.
        """
        with open(self.open_object(digest), "rb") as file:
            return file.read(max_bytes)

    @contextmanager
    def create_incoming_file(self) -> Iterator[IncomingFile]:
        """Create a temporary file in the store; it is removed at the end of the block unless it was moved.

        Raises:
            StoreError: the file cannot be created or written, for example because the disk is full.
        """
        path = f"{self._incoming}/{make_temporary_name()}"
        with _convert_errors(path):
            try:
                descriptor = _create_file(path)
            except FileNotFoundError:
                self._create_folders()
                descriptor = _create_file(path)
        try:
            yield IncomingFile(path, descriptor)
        finally:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(path)

    def read_manifest(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot with this id, as stored in its manifest.

        Raises:
            StoreError: its manifest is missing or damaged.
        """
        snapshot = self.find_manifest(snapshot_id)
        if snapshot is None:
            raise StoredFilesLost(
                f"The manifest of snapshot {snapshot_id} in '{self._folder}' is gone or damaged.",
                hint="Submit the run again.",
                target=snapshot_id,
            )
        return snapshot

    def find_manifest(self, snapshot_id: str) -> Snapshot | None:
        """Return the snapshot with this id, or None if its manifest is missing or damaged."""
        try:
            snapshot = Snapshot.from_json(_read_json(self.get_manifest_path(snapshot_id)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return snapshot if snapshot.snapshot_id == snapshot_id else None

    def write_manifest(self, snapshot: Snapshot) -> None:
        """Store the manifest of a snapshot under its id.

        Raises:
            StoreError: the manifest cannot be written.
        """
        self._write_json(self.get_manifest_path(snapshot.snapshot_id), snapshot.to_json())

    def mark_used(self, snapshot_id: str) -> None:
        """Protect the snapshot from pruning by updating the manifest's modification time; ignore errors."""
        with suppress(OSError):
            os.utime(self.get_manifest_path(snapshot_id))

    def read_cache(self, cache_key: str) -> dict[str, list[Any]]:
        """Return the cache with this key as a dict of entries by path, empty if the cache is missing or damaged."""
        try:
            cache = _read_json(self._get_cache_path(cache_key))
        except (OSError, ValueError):
            return {}
        return cache if isinstance(cache, dict) else {}

    def write_cache(self, cache_key: str, cache: dict[str, list[Any]]) -> None:
        """Store a cache under a key; ignore errors, since the cache only affects speed."""
        with suppress(StoreError):
            self._write_json(self._get_cache_path(cache_key), cache)

    def remove_abandoned_incoming_files(self) -> None:
        """Remove temporary files that killed processes have left; those of older versions must be a day old."""
        remove_abandoned_files(Path(self._incoming))
        before = time.time() - _ABANDONED_AFTER_SECONDS
        with suppress(OSError), os.scandir(self._incoming) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        os.unlink(entry.path)

    def get_manifest_path(self, snapshot_id: str) -> str:
        """Return the path of a snapshot's manifest."""
        return f"{self._folder}/manifests/{snapshot_id}.json"

    def _get_cache_path(self, cache_key: str) -> str:
        return f"{self._folder}/cache/{cache_key}.json"

    def _write_json(self, path: str, value: object) -> None:
        with self.create_incoming_file() as file:
            # ASCII: names that are no UTF-8 hold lone surrogates, which only escapes can carry.
            file.write(json.dumps(value, separators=(",", ":")).encode("ascii"))
            file.move_to(path)

    def _create_folders(self) -> None:
        os.makedirs(self._folder, 0o700, exist_ok=True)
        for name in ("incoming", "objects", "manifests", "cache"):
            os.makedirs(os.path.join(self._folder, name), 0o700, exist_ok=True)


def build_lost_content_error(entry: SnapshotEntry) -> StoredFilesLost:
    """Return the error for a snapshot's file whose content is missing in the store."""
    return StoredFilesLost(
        f"The content of '{escape_path(entry.path)}' is gone from the workspace's snapshots.",
        hint="A submit from a folder that has the file restores it.",
        target=escape_path(entry.path),
    )


def _create_file(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _read_json(path: str) -> Any:
    with open(path, "rb") as file:
        return json.loads(file.read())


@contextmanager
def _convert_errors(path: str) -> Iterator[None]:
    """Convert an `OSError` of the block about a file of the store to a `StoreError` with a complete message."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The snapshot cannot be stored at '{os.path.dirname(path)}': {error.strerror}.",
            hint=describe_write_remedy(error),
        ) from error
