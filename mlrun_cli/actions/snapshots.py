"""Snapshots of source folders: create, list and read them, and write them to folders and ZIP archives."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.core.temporary import open_fd_atomically
from mlrun_cli.errors import FileNotWritable, RunFileNotFound, SnapshotNotFound
from mlrun_cli.runs.run import INTERACTIVE_RUN, Run
from mlrun_cli.snapshots.content_store import SnapshotStore, build_lost_content_error
from mlrun_cli.snapshots.export import export_snapshot
from mlrun_cli.snapshots.git import read_git_properties
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, EntryKind, Snapshot, SnapshotEntry, escape_path
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.workspace import Workspace

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_LINK_MODE = 0o120777


def create_snapshot(workspace: Workspace, path: Path) -> str:
    """Create a snapshot of a folder or a single file and return its id.

    Raises:
        UsageError: there is nothing at `path`, or it is too large.
        StoreError: it cannot be kept.
    """
    limits = SnapshotLimits.from_environment(os.environ)
    store = SnapshotStore(workspace.snapshots_folder)
    with prevent_pruning(workspace.snapshots_folder), tempfile.TemporaryDirectory() as folder:
        if not path.is_file():
            return take_snapshot(path, store, limits=limits, exclude=[workspace.home])[0].snapshot_id
        shutil.copy2(path, folder)
        return take_snapshot(Path(folder), store, limits=limits)[0].snapshot_id


def create_source_properties(workspace: Workspace, folder: Path) -> dict[str, str]:
    """Create a snapshot of a source folder; return the run properties with its id and the git commit.

    Raises:
        UsageError: there is no such folder, or it is too large.
        StoreError: it cannot be kept.
    """
    return {SNAPSHOT_PROPERTY: create_snapshot(workspace, folder), **get_commit_properties(folder)}


def get_commit_properties(folder: Path) -> dict[str, str]:
    """Return the run properties for the git commit that is checked out in a source folder."""
    return read_git_properties(folder, os.environ, get_process_redactor())


def get_snapshot(workspace: Workspace, run: Run, snapshot_id: str | None = None) -> Snapshot:
    """Return the snapshot with this id, by default the run's snapshot.

    Raises:
        NotFound: the run has no snapshot, or there is no snapshot with this id.
    """
    wanted = snapshot_id or run.properties.get(SNAPSHOT_PROPERTY)
    snapshot = None if wanted is None else SnapshotStore(workspace.snapshots_folder).find_manifest(wanted)
    if snapshot is None:
        raise _build_not_found_error(run, wanted, is_of_run=snapshot_id is None)
    return snapshot


def _build_not_found_error(run: Run, snapshot_id: str | None, *, is_of_run: bool) -> SnapshotNotFound:
    what = f"There is no snapshot '{snapshot_id}'."
    hint = f"A run that was submitted has one, its property {SNAPSHOT_PROPERTY}."
    if snapshot_id is None:
        what = f"The run '{run.run_id}' has no snapshot."
        if run.run_type == INTERACTIVE_RUN:
            hint = "It was opened by a script or a notebook, without a snapshot of its folder."
    elif is_of_run:
        what = f"The snapshot '{snapshot_id}' of the run '{run.run_id}' is gone from the workspace."
        hint = f"To run the folder as it is now: mlrun run rerun -r {run.run_id} --current-code"
    return SnapshotNotFound(what, hint=hint, target=run.run_id)


def list_snapshot_files(workspace: Workspace, run: Run) -> list[dict[str, Any]]:
    """Return records of the files and links in a run's snapshot: path, kind, and size and digest, or target.

    Raises:
        SnapshotNotFound: the run has no snapshot.
    """
    return [_build_record(entry) for entry in _list_files(get_snapshot(workspace, run))]


def open_snapshot_file(workspace: Workspace, run: Run, name: str) -> BinaryIO:
    """Open a regular file of a run's snapshot for reading and return the file object; do not follow links.

    Raises:
        SnapshotNotFound: the run has no snapshot.
        RunFileNotFound: the snapshot has no such file.
        StoredFilesLost: the content has been lost.
    """
    wanted = os.path.normpath(name)
    entries = _list_files(get_snapshot(workspace, run))
    entry = next((entry for entry in entries if entry.path == wanted and entry.kind is EntryKind.FILE), None)
    if entry is None:
        near = difflib.get_close_matches(wanted, [escape_path(entry.path) for entry in entries], n=1)
        raise RunFileNotFound(
            f"The snapshot of the run '{run.run_id}' has no file '{escape_path(name)}'.",
            hint=f"Did you mean '{near[0]}'?" if near else f"See 'mlrun run snapshot -r {run.run_id} --list'.",
            target=escape_path(name),
        )
    try:
        return open(SnapshotStore(workspace.snapshots_folder).open_object(entry.digest), "rb")
    except OSError as error:
        raise build_lost_content_error(entry) from error


def export_run_snapshot(workspace: Workspace, run: Run, folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the files of a run's snapshot to a folder and return their paths.

    Raises:
        SnapshotNotFound: the run has no snapshot.
        FileAlreadyExists: the folder is not empty, and `overwrite` is False.
        MlrunError: a file cannot be read or written.
    """
    store = SnapshotStore(workspace.snapshots_folder)
    return export_snapshot(get_snapshot(workspace, run), store, folder, overwrite=overwrite)


def write_snapshot_archive(workspace: Workspace, run: Run, snapshot_id: str | None, folder: Path) -> Path:
    """Write `<snapshot id>.zip` into a folder, which is created if needed; return the file's path.

    Args:
        workspace: where the run is.
        run: whose snapshot it is.
        snapshot_id: another snapshot; None for the run's own.
        folder: where to.

    Raises:
        NotFound: the run has no snapshot, or there is no snapshot with this id.
        MlrunError: the archive cannot be written.
    """
    snapshot = get_snapshot(workspace, run, snapshot_id)
    path = folder / f"{snapshot.snapshot_id}.zip"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open_fd_atomically(path) as descriptor, open(descriptor, "w+b", closefd=False) as file:
            _write_archive(snapshot, SnapshotStore(workspace.snapshots_folder), file)
    except OSError as error:
        raise FileNotWritable(path, error, hint="Choose another folder.") from error
    return path


def _list_files(snapshot: Snapshot) -> list[SnapshotEntry]:
    return [entry for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY]


def _build_record(entry: SnapshotEntry) -> dict[str, Any]:
    record: dict[str, Any] = {"path": escape_path(entry.path), "kind": entry.kind.value}
    if entry.kind is EntryKind.LINK:
        return {**record, "target": escape_path(entry.target)}
    return {**record, "size": entry.size, "sha256": entry.digest, "executable": entry.executable}


def _write_archive(snapshot: Snapshot, store: SnapshotStore, file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in snapshot.entries:
            info = zipfile.ZipInfo(entry.path + ("/" if entry.kind is EntryKind.DIRECTORY else ""), _EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            if entry.kind is EntryKind.FILE:
                _write_file(archive, info, entry, store)
            else:
                info.external_attr = (_LINK_MODE << 16) if entry.kind is EntryKind.LINK else 0o40755 << 16
                archive.writestr(info, entry.target)


def _write_file(archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: SnapshotEntry, store: SnapshotStore) -> None:
    info.external_attr = (0o100755 if entry.executable else 0o100644) << 16
    with open(store.open_object(entry.digest), "rb") as source, archive.open(info, "w") as destination:
        shutil.copyfileobj(source, destination, _CHUNK)
