"""The trash: deleted runs and experiments, which can be restored or removed permanently.

The rows in the store decide whether a run is in the trash. Its folder is moved after them, and is found in either
place, so a process that is killed in between leaves nothing half done.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.actions.runs import LATEST
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.locks import acquire_lock, remove_lock_file
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_run_id, check_title
from mlrun_cli.core.time import MICROSECONDS, format_iso, now
from mlrun_cli.environments.cache import measure_disk_usage
from mlrun_cli.errors import AlreadyExists, AmbiguousRunId, InUse, MlrunError, RunNotFound
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.runs.shared_folder import find_shared_run_folder, is_shared_folder_unavailable, remove_run_folder
from mlrun_cli.runtime.queue import wake_dispatcher
from mlrun_cli.store.trash import TrashedRun
from mlrun_cli.workspace import Workspace

TRASH = "trash"
"""The name of the folder in a workspace's folder."""
DAYS_KEPT = 30
"""The number of days for which `workspace prune` keeps deleted runs, unless it is told otherwise."""

_BATCH_SIZE = 200


class TrashSummary(NamedTuple):
    """The number of deleted runs, and the disk space of their folders in bytes."""

    runs: int
    size: int


class EmptiedTrash(NamedTuple):
    """The items that were removed from the trash, or would be in a dry run.

    Attributes:
        runs: the ids of the runs.
        keys: their keys.
        folders: their folders, and those of runs that the store does not know.
        size: the disk space that the folders took, in bytes.
        skipped: the folders that could not be removed.
    """

    runs: Sequence[str]
    keys: Sequence[int]
    folders: frozenset[Path]
    size: int
    skipped: Sequence[str]


def get_trash_folder(workspace: Workspace) -> Path:
    """Return the trash folder, which contains the folders of deleted runs, and which may not exist."""
    return workspace.folder / TRASH


def move_to_trash(workspace: Workspace, runs: Sequence[Run], deletion_id: str | None = None) -> None:
    """Move ended runs with their folders to the trash, skipping runs that are live again or already deleted.

    Args:
        workspace: the workspace of the runs.
        runs: the runs, with children after their parents.
        deletion_id: the id of the deletion that they are part of; None creates one.
    """
    deletion_id, moment = deletion_id or generate_guid(), now()
    with _hold_trash_lock(workspace):
        for start in range(0, len(runs), _BATCH_SIZE):
            workspace.checkpoint_if_disk_is_full()
            with workspace.transaction(durable=True):
                moved = [
                    run
                    for run in runs[start : start + _BATCH_SIZE]
                    if workspace.trash.add_run(run.key, deletion_id, moment)
                ]
            for run in moved:
                folder = RunFolder(_get_run_path(workspace, run.run_id))
                if folder.sockets != folder.path:
                    shutil.rmtree(folder.sockets, ignore_errors=True)
                _move_folder(folder.path, get_trash_folder(workspace) / run.run_id)


def list_trash(
    workspace: Workspace, *, experiment_name: str | None = None, limit: int | None = None
) -> Sequence[dict[str, Any]]:
    """Return the records of deleted runs, most recently deleted first, with the deletion time as `deletedAt`."""
    found = workspace.trash.list_runs(experiment_name=experiment_name, limit=limit)
    return [{**build_run_record(each.run), "deletedAt": format_iso(each.deleted_at)} for each in found]


def get_deleted_runs(
    workspace: Workspace, run_ids: Sequence[str], *, experiment_name: str | None = None
) -> Sequence[TrashedRun]:
    """Return the deleted runs with the given ids, unique prefixes of ids, or display names.

    Args:
        workspace: the workspace of the runs.
        run_ids: the ids; `@latest` is the run that was submitted last of those in the trash.
        experiment_name: the experiment for `@latest`; None means any.

    Raises:
        UsageError: an id is empty.
        RunNotFound: no run in the trash has such an id.
        AmbiguousRunId: several have it.
    """
    found = []
    for run_id in run_ids:
        check_title("the run id", run_id)  # nothing is the beginning of every id
        exact = (
            _find_latest_deleted_run(workspace, experiment_name)
            if run_id == LATEST
            else workspace.trash.find_run(run_id)
        )
        if exact is not None:
            found.append(exact)
            continue
        ids = workspace.trash.list_ids_by_prefix(run_id)
        if len(ids) > 1:
            raise AmbiguousRunId(run_id, ids)
        ids = ids or workspace.trash.list_ids_by_display_name(run_id)
        if len(ids) > 1:
            raise AmbiguousRunId(run_id, ids, is_display_name=True)
        each = workspace.trash.find_run(ids[0]) if ids else None
        if each is None:
            error = RunNotFound(run_id, workspace.identity.name)
            error.message = f"There is no run '{run_id}' in the trash of workspace '{workspace.identity.name}'."
            error.hint = "'mlrun run list --deleted' shows what is in the trash."
            if workspace.runs.find_key(run_id) is not None:
                error.message = f"The run '{run_id}' is not deleted."
            if (get_trash_folder(workspace) / check_run_id(run_id)).is_dir():  # the store was lost
                error.hint = "Its folder is there: call 'mlrun workspace repair', and try again."
            raise error
        found.append(each)
    return found


def _find_latest_deleted_run(workspace: Workspace, experiment_name: str | None) -> TrashedRun | None:
    """Return the last submitted run in the trash, ignoring child runs whose parents are there too, or None."""
    deleted = workspace.trash.list_runs(experiment_name=experiment_name)
    keys = {each.run.key for each in deleted}
    return max((each for each in deleted if each.parent_key not in keys), key=lambda each: each.run.key, default=None)


def restore_runs(workspace: Workspace, deleted_runs: Sequence[TrashedRun]) -> Sequence[Run]:
    """Restore deleted runs and the descendants deleted together with them; return all restored runs.

    Raises:
        InUse: the parent of a run is in the trash and is not restored with it.
        AlreadyExists: another run has the id of a deleted one now.
    """
    wanted = {each.run.key: each for each in deleted_runs}
    for each in deleted_runs:
        below = workspace.trash.list_deleted_descendants([each.run.key])
        wanted.update((one.run.key, one) for one in below if one.deletion_id == each.deletion_id)
    ordered = [wanted[key] for key in sorted(wanted)]
    parents = {each.parent_key: each.run.run_id for each in ordered if each.parent_key is not None}
    missing = workspace.trash.get_ids([key for key in parents if key not in wanted])
    for key, parent in missing.items():
        raise InUse(
            f"The parent of the run '{parents[key]}' is in the trash, too: '{parent}'.",
            hint=f"Restore that: mlrun run restore -r {parent}",
            target=parents[key],
        )
    with _hold_trash_lock(workspace), workspace.transaction(durable=True):
        for each in ordered:
            if workspace.runs.find_key(each.run.run_id) is not None:
                raise AlreadyExists(
                    f"Another run is named '{each.run.run_id}' now.", hint="Delete that first.", target=each.run.run_id
                )
            if workspace.trash.find_run(each.run.run_id) is None:
                continue  # another process has restored or removed it
            # Before the rows, since what they record is written to the folder.
            _move_folder(get_trash_folder(workspace) / each.run.run_id, _get_run_path(workspace, each.run.run_id))
            workspace.trash.restore_run(each.run.key)
    restored = workspace.runs.list_by_keys([each.run.key for each in ordered])
    _wake_collectors(workspace, restored)
    return restored


def _wake_collectors(workspace: Workspace, runs: Iterable[Run]) -> None:
    """Wake the collectors of runs that may have logged more than is stored; theirs may have been killed."""
    shared = ((run.target, find_shared_run_folder(RunFolder(_get_run_path(workspace, run.run_id)))) for run in runs)
    for target in {name for name, each in shared if name and each is not None and each.started_marker.exists()}:
        with suppress(OSError, MlrunError):
            wake_dispatcher(workspace, target)


def list_unavailable_folders(workspace: Workspace, deleted_runs: Iterable[TrashedRun]) -> Sequence[Path]:
    """Return the folders of deleted runs that lie in shared folders which are currently unavailable."""
    folders = [RunFolder(path) for path in _list_folders(workspace, [each.run.run_id for each in deleted_runs])]
    return [
        shared.path
        for folder in folders
        if (shared := find_shared_run_folder(folder)) is not None and is_shared_folder_unavailable(folder)
    ]


def remove_from_trash(
    workspace: Workspace,
    deleted_runs: Iterable[TrashedRun],
    *,
    report: Callable[[str], None] | None = None,
    leave_files: bool = False,
) -> Sequence[str]:
    """Delete runs in the trash permanently; return the folders that could not be removed, which the next prune removes.

    Args:
        workspace: the workspace of the runs.
        deleted_runs: the runs.
        report: called with a message for each folder that cannot be removed.
        leave_files: whether files in a shared folder that is not in its place are left.
    """
    skipped: list[str] = []
    with _hold_trash_lock(workspace):
        for each in deleted_runs:
            workspace.checkpoint_if_disk_is_full()
            with workspace.transaction():
                if not workspace.trash.remove_run(each.run.key):
                    continue
            folders = _list_folders(workspace, [each.run.run_id])
            skipped += _remove_folders(folders, report, leave_files=leave_files)
    return skipped


def remove_trashed_descendants(workspace: Workspace, keys: Sequence[int], *, leave_files: bool) -> None:
    """Remove from the trash the descendants of permanently removed runs, which can no longer be restored."""
    remove_from_trash(workspace, workspace.trash.list_deleted_descendants(keys), leave_files=leave_files)


def empty_trash(
    workspace: Workspace, before: int, *, run_keys: Sequence[int], dry_run: bool, report: Callable[[str], None]
) -> EmptiedTrash:
    """Remove items deleted before a time, and deleted descendants of removed runs, permanently; return a report.

    Args:
        workspace: the workspace.
        before: the time, in microseconds.
        run_keys: the keys of runs that are or would be removed.
        dry_run: whether to remove nothing.
        report: called with a message for each folder that cannot be removed.
    """
    old = workspace.trash.list_runs(before=before)
    old = [*old, *workspace.trash.list_deleted_descendants([*run_keys, *(each.run.key for each in old)])]
    deleted = list({each.run.key: each for each in old}.values())
    folders = frozenset(_list_folders(workspace, [each.run.run_id for each in deleted]))
    lost = _list_unrecorded_folders(workspace, before)
    size = sum(map(_measure_run_folder, (*folders, *lost)))
    skipped: list[str] = []
    if not dry_run:
        skipped = [*remove_from_trash(workspace, deleted, report=report), *_remove_folders(lost, report)]
        with workspace.transaction():
            for experiment in workspace.trash.list_experiments(before=before):
                workspace.trash.remove_experiment(experiment.key)
    names = tuple(each.run.run_id for each in deleted)
    return EmptiedTrash(names, [each.run.key for each in deleted], folders.union(lost), size, skipped)


def measure_trash(workspace: Workspace) -> TrashSummary:
    """Return the number of deleted runs and the disk space of their folders."""
    return TrashSummary(workspace.trash.count_runs(), measure_disk_usage(get_trash_folder(workspace)))


def move_back_stored_runs(workspace: Workspace) -> None:
    """Move the folders of runs that are in the store out of the trash, for example after restoring a backup."""
    for path in _list_trash_folders(workspace):
        if workspace.runs.find_key(path.name) is not None:
            _move_folder(path, _get_run_path(workspace, path.name))


def move_back_unknown_runs(workspace: Workspace) -> Sequence[str]:
    """Move folders of runs that are unknown to the store out of the trash; return the ids of these runs."""
    known = workspace.trash.list_ids()
    found = [
        path for path in _list_trash_folders(workspace) if path.name not in known and RunFolder(path).record.exists()
    ]
    for path in found:
        _move_folder(path, _get_run_path(workspace, path.name))
    return [path.name for path in found]


def _list_trash_folders(workspace: Workspace) -> Sequence[Path]:
    folder = get_trash_folder(workspace)
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _list_folders(workspace: Workspace, run_ids: Sequence[str]) -> Sequence[Path]:
    """Return the existing folders of deleted runs, including folders that a killed process has not moved yet."""
    places = (get_trash_folder(workspace), workspace.folder / "runs")
    return [place / run_id for run_id in run_ids for place in places if (place / run_id).is_dir()]


def _list_unrecorded_folders(workspace: Workspace, unchanged_since: int) -> Sequence[Path]:
    """Return folders in the trash that are unknown to the store and unchanged since a time."""
    known = workspace.trash.list_ids()
    found = [path for path in _list_trash_folders(workspace) if path.name not in known]
    return [path for path in found if path.stat().st_ctime * MICROSECONDS < unchanged_since]


def _measure_run_folder(folder: Path) -> int:
    shared = find_shared_run_folder(RunFolder(folder))
    return measure_disk_usage(folder) + (0 if shared is None else measure_disk_usage(shared.path))


def _remove_folders(
    folders: Iterable[Path], report: Callable[[str], None] | None, *, leave_files: bool = False
) -> list[str]:
    """Remove folders of runs, also in shared folders; return the folders that could not be removed."""
    skipped = []
    for folder in folders:
        try:
            remove_run_folder(RunFolder(folder), keep_unavailable=leave_files)
        except OSError as error:
            skipped.append(os.fspath(folder))
            if report is not None:
                report(f"Skipped, since it cannot be removed: {folder}: {error.filename}: {error.strerror}.")
    return skipped


def _get_run_path(workspace: Workspace, run_id: str) -> Path:
    return workspace.folder / "runs" / run_id


def _move_folder(source: Path, destination: Path) -> None:
    """Move a folder unless the destination exists; ignore errors, since runs are found in either place."""
    try:
        RunFolder(source).restore_access()
        make_private_folder(destination.parent)
        if not os.path.lexists(destination):
            os.rename(source, destination)
    except OSError:
        return


@contextmanager
def _hold_trash_lock(workspace: Workspace) -> Iterator[None]:
    """Hold the lock that lets only one process move runs into or out of the trash at a time.

    Where there is no room for its file, there is no lock, so that the trash can be emptied.
    """
    path = workspace.folder / ".trash.lock"
    try:
        descriptor = acquire_lock(path, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        yield
        return
    try:
        yield
    finally:
        remove_lock_file(path, descriptor)
