"""Copying of a snapshot from one content store to another, such as that of a shared folder."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from mlrun_cli.snapshots.content_store import SnapshotStore, build_lost_content_error
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry

_FRESH_SECONDS = 12 * 60 * 60
"""The age of content from which its use is recorded; less than that from which it may be pruned."""


def copy_snapshot(snapshot: Snapshot, source: SnapshotStore, destination: SnapshotStore) -> int:
    """Copy a snapshot to another store: the missing objects, then the manifest; return the number of copied objects.

    Objects that are stored with another size, as after a power failure, are copied again.

    Raises:
        StoredFilesLost: the source has lost a file's content.
        StoreError: the destination cannot be written.
    """
    files = {entry.digest: entry for entry in snapshot.entries if entry.kind is EntryKind.FILE}
    missing = [entry for entry in files.values() if not _touch_object(destination, entry)]
    if missing:
        destination.remove_abandoned_incoming_files()
    for entry in missing:
        _copy_object(entry, source, destination)
    if destination.find_manifest(snapshot.snapshot_id) is None:
        destination.write_manifest(snapshot)
    else:
        destination.mark_used(snapshot.snapshot_id)
    return len(missing)


def _touch_object(store: SnapshotStore, entry: SnapshotEntry) -> bool:
    """Mark an object as recently used; return False if it is missing or has another size."""
    if not store.has_object(entry.digest, entry.size):
        return False
    path = store.get_object_path(entry.digest)
    with suppress(OSError):
        if os.stat(path).st_mtime < time.time() - _FRESH_SECONDS:
            os.utime(path)
    return True


def _copy_object(entry: SnapshotEntry, source: SnapshotStore, destination: SnapshotStore) -> None:
    try:
        descriptor = source.open_object(entry.digest)
    except OSError as error:
        raise build_lost_content_error(entry) from error
    try:
        with destination.create_incoming_file() as incoming:
            if incoming.copy_from(descriptor) != entry.size:
                raise build_lost_content_error(entry)
            incoming.move_to(destination.get_object_path(entry.digest))
    finally:
        os.close(descriptor)
