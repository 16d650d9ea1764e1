"""Export of a snapshot to a user's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from mlrun_cli.core.inner_files import open_folder_without_links
from mlrun_cli.core.temporary import is_temporary, make_temporary_name, remove_abandoned_files
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, StoredFilesLost, StoreError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry
from mlrun_cli.snapshots.working_copy import create_working_copy


def export_snapshot(snapshot: Snapshot, store: SnapshotStore, folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the files and links of a snapshot to a folder, created if needed; return their paths.

    Executable bits and modification times are kept. A new folder appears once it is complete, and each file in an
    existing one.

    Args:
        snapshot: the snapshot.
        store: the store of its contents.
        folder: the destination.
        overwrite: whether the folder may contain files, of which those with the same names are replaced.

    Raises:
        FileAlreadyExists: the folder is not empty, and nothing may be replaced.
        StoredFilesLost: the store has lost a file.
        FileNotWritable: the folder cannot be written, or it contains a link where a folder is needed.
    """
    try:
        is_new = not folder.exists()
        if not is_new and not overwrite and any(not is_temporary(name) for name in os.listdir(folder)):
            raise FileAlreadyExists(
                f"Nothing was written: the folder '{folder}' is not empty.",
                hint="Choose another folder with -d, or add --overwrite to replace files of the same names in it.",
                target=folder,
            )
        if is_new:
            folder.parent.mkdir(parents=True, exist_ok=True)
        with _create_staging_folder(folder.parent if is_new else folder) as staging:
            _fill_folder(staging, snapshot, store, folder)
            if is_new:
                staging.rename(folder)
            else:
                _move_entries(snapshot, staging, folder)
    except OSError as error:
        raise FileNotWritable(folder, error, hint="Choose another folder with -d.") from error
    return [folder / entry.path for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY]


@contextmanager
def _create_staging_folder(parent: Path) -> Iterator[Path]:
    remove_abandoned_files(parent)
    staging = parent / make_temporary_name()
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill_folder(staging: Path, snapshot: Snapshot, store: SnapshotStore, folder: Path) -> None:
    """Copy a snapshot to a staging folder; errors name `folder`, the destination of the export."""
    try:
        create_working_copy(snapshot, store, staging)
    except StoredFilesLost:
        raise
    except StoreError as error:  # its message is about a working copy
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error.message
        raise FileNotWritable(folder, reason, hint="Choose another folder with -d.") from error


def _move_entries(snapshot: Snapshot, staging: Path, folder: Path) -> None:
    for entry in snapshot.entries:
        if entry.kind is EntryKind.DIRECTORY:
            with open_folder_without_links(folder, entry.path.split("/")):
                pass
    others = [entry for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY]
    for above, entries in groupby(others, _get_parent):
        with open_folder_without_links(folder, above.split("/") if above else ()) as inner:
            for entry in entries:
                os.replace(staging / entry.path, entry.path.rpartition("/")[2], dst_dir_fd=inner)


def _get_parent(entry: SnapshotEntry) -> str:
    return entry.path.rpartition("/")[0]
