"""Free disk space: remove old runs, snapshots without a run, and unused environments."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from mlrun_cli.actions.shared_folder_prune import (
    RECENT_USE_SECONDS,
    iterate_subfolders,
    list_referenced_snapshot_ids,
    prune_shared_folders,
)
from mlrun_cli.actions.trash import DAYS_KEPT, TRASH, empty_trash, get_trash_folder
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.time import MICROSECONDS, format_iso, now
from mlrun_cli.environments.cache import list_environments, measure_disk_usage, prune_environments
from mlrun_cli.environments.environment import BuiltEnvironment
from mlrun_cli.environments.image import build_image_name
from mlrun_cli.errors import AmbiguousId, EnvironmentNotFound, FileNotWritable, MlrunError
from mlrun_cli.processes.host_lease import is_used_elsewhere, open_home
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.shared_folder import find_shared_run_folder, remove_run_folder
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.runtime.sessions import list_session_remnants
from mlrun_cli.snapshots.pruning import prune_snapshots
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY
from mlrun_cli.workspace import Workspace


def list_built_environments(home: Path) -> Sequence[dict[str, Any]]:
    """Return a record for each environment built on this machine, most recently used first."""
    return [_build_record(environment) for environment in list_environments(home)]


def get_built_environment(home: Path, environment_key: str) -> dict[str, Any]:
    """Return the record of a built environment with its packages; the key may be shortened to a unique prefix.

    Raises:
        EnvironmentNotFound: there is no such environment.
        UsageError: several keys have this prefix.
    """
    found = [
        environment
        for environment in list_environments(home)
        if environment_key and environment.key.startswith(environment_key)
    ]
    if not found:
        raise EnvironmentNotFound(
            f"There is no environment '{environment_key}'.",
            hint="'mlrun environment list --built' shows those that were built.",
            target=environment_key,
        )
    if len(found) > 1:
        keys = ", ".join(environment.key for environment in found)
        raise AmbiguousId(
            f"Several environments begin with '{environment_key}': {keys}.",
            hint="Type more of the key.",
            target=environment_key,
        )
    (environment,) = found
    build = environment.build
    return {
        **_build_record(environment),
        "bytes": measure_disk_usage(Path(environment.folder)),
        "channels": list(build.channels),
        "condaPackages": list(build.packages),
        "dockerfile": None if build.image is None else build.image.dockerfile,
        "image": None if build.image is None else build_image_name(environment.key),
        "installed": list(environment.installed),
        "loosened": list(environment.unpinned),
        "options": list(build.options),
        "requirements": list(build.requirements),
    }


def _build_record(environment: BuiltEnvironment) -> dict[str, Any]:
    build = environment.build
    return {
        "builder": build.builder.value,
        "builtAt": format_iso(environment.built_at),
        "folder": environment.folder,
        "key": environment.key,
        "lastUsedAt": format_iso(environment.used_at),
        "packages": len(environment.installed),
        "python": environment.python_version,
        "day": build.day,
        "relaxed": build.is_relaxed,
    }


def prune_built_environments(home: Path, older_than_seconds: float, *, dry_run: bool) -> dict[str, Any]:
    """Remove environments that no run has used in the last `older_than_seconds`; return a record of the result.

    Raises:
        MlrunError: they cannot be removed.
    """
    used_keys: Collection[str] = ()
    if home.is_dir():
        open_home(home, only_reads=dry_run)
        if is_used_elsewhere(home):  # the locks on those of live runs are on that host
            ended = {folder for folder in _iterate_run_folders(home) if RunFolder(folder).outcome.exists()}
            used_keys = _list_used_environment_keys(home, ended)
    try:
        keys, size = prune_environments(
            home, compute_cutoff_time(older_than_seconds), used_keys=used_keys, dry_run=dry_run
        )
    except OSError as error:
        raise _build_removal_error(error) from error
    return {"bytes": size, "dryRun": dry_run, "environments": list(keys)}


def prune_workspace(
    workspace: Workspace,
    older_than_seconds: float | None,
    *,
    trash_seconds: float = DAYS_KEPT * 24 * 60 * 60,
    dry_run: bool,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Remove runs that ended more than `older_than_seconds` ago, and unreferenced files; return a record of the result.

    None removes only runs in the trash: those deleted more than `trash_seconds` ago, which are removed in any case.

    A run is removed together with its descendants, and only if none of them is younger, has not ended, is kept
    (`run update --keep`) or is the source of a registered model. Folders of runs that are not in the store must be of
    the same age, and at least a day old, since a submission may be using them. Snapshots without a run are kept for a
    day, and an environment is kept as long as a run of any workspace that used it. `report` is called with a message if
    the function has to wait for long, or if something cannot be removed.

    Raises:
        MlrunError: something besides the folders of runs cannot be removed.
    """
    reconcile(workspace)
    try:
        before = 0 if older_than_seconds is None else compute_cutoff_time(older_than_seconds)
        deleted_before = compute_cutoff_time(trash_seconds)
        return _prune_contents(workspace, before, deleted_before, dry_run=dry_run, report=report)
    except OSError as error:
        raise _build_removal_error(error) from error


def compute_cutoff_time(older_than_seconds: float) -> int:
    """Return the time that is `older_than_seconds` ago, in microseconds since the epoch."""
    return now() - int(older_than_seconds * MICROSECONDS)


def _prune_contents(
    workspace: Workspace, ended_before: int, deleted_before: int, *, dry_run: bool, report: Callable[[str], None]
) -> dict[str, Any]:
    removal = _FolderRemover(dry_run=dry_run, report=report)
    if not workspace.is_used_elsewhere:
        for folder in iterate_subfolders(workspace.folder / "runs"):
            RunFolder(folder).restore_access()
    runs = _prune_runs(workspace, ended_before, removal)
    trash = empty_trash(workspace, deleted_before, run_keys=list(runs), dry_run=dry_run, report=report)
    removal.folders |= trash.folders
    forsaken = [folder for folder in _list_orphaned_folders(workspace, ended_before) if removal.remove(folder)]

    def list_kept_snapshot_ids() -> Collection[str]:
        of_rows = {
            value for key, value in workspace.runs.list_property_values_by_run(SNAPSHOT_PROPERTY) if key not in runs
        }
        of_trash = workspace.trash.list_snapshot_ids(trash.keys)
        of_folders = (
            list_referenced_snapshot_ids(folder, removal.folders)
            for folder in (workspace.folder / "runs", get_trash_folder(workspace))
        )
        return of_rows.union(of_trash, *of_folders)

    day_ago = time.time() - RECENT_USE_SECONDS
    snapshots = prune_snapshots(
        workspace.snapshots_folder, list_kept_snapshot_ids, day_ago, dry_run=dry_run, report=report
    )
    shared = prune_shared_folders(
        workspace, ended_before, excluded_folders=removal.folders, dry_run=dry_run, report=report
    )
    needed = _list_used_environment_keys(workspace.home, removal.folders)
    environments, environments_size = prune_environments(
        workspace.home, ended_before, used_keys=needed, dry_run=dry_run
    )
    return {
        "bytes": removal.size + trash.size + snapshots.size + shared.size + environments_size,
        "contents": snapshots.contents + shared.contents,
        "copies": list(shared.copies),
        "dryRun": dry_run,
        "endedBefore": format_iso(ended_before) if ended_before else None,
        "environments": [*environments, *shared.environments],
        "folders": len(forsaken),
        "runs": list(runs.values()),
        "skipped": [*removal.skipped, *trash.skipped, *shared.skipped],
        "snapshots": snapshots.snapshots + shared.snapshots,
        "spared": list(workspace.retention.list_retained_run_ids(ended_before)),
        "trash": list(trash.runs),
    }


class _FolderRemover:
    """Removes folders and counts them, skipping those that cannot be removed; a dry run only counts.

    `folders` lists the removed folders, and `size` is the disk space that they took, in bytes.
    """

    def __init__(self, *, dry_run: bool, report: Callable[[str], None]) -> None:
        self.dry_run = dry_run
        self.folders: set[Path] = set()
        self.skipped: list[str] = []
        self.size = 0
        self._report = report

    def remove(self, folder: Path) -> bool:
        """Remove the folder of a run, also in a shared folder; return whether it was (or would be) removed."""
        run_folder = RunFolder(folder)
        shared = find_shared_run_folder(run_folder)
        size = measure_disk_usage(folder) + (0 if shared is None else measure_disk_usage(shared.path))
        if not self.dry_run:
            try:
                remove_run_folder(run_folder)
            except OSError as error:
                self.skipped.append(os.fspath(folder))
                self._report(f"Skipped, since it cannot be removed: {folder}: {error.filename}: {error.strerror}.")
                return False
        self.folders |= {folder} if shared is None else {folder, shared.path}
        self.size += size
        return True


def _prune_runs(workspace: Workspace, ended_before: int, removal: _FolderRemover) -> dict[int, str]:
    """Remove old runs; return the ids of the removed runs, keyed by run key.

    Runs are removed one by one, children before parents and folders before rows: after an interruption every
    remaining row still has its parents, and the next prune removes the rest.
    """
    gone: dict[int, str] = {}
    for topmost in workspace.retention.list_ended_trees(ended_before):
        # Asked again: a child may have been submitted since.
        for key, run_id in workspace.retention.list_removable_tree(topmost, ended_before):
            if not removal.remove(workspace.get_run_folder(run_id).path):
                break
            if not removal.dry_run:
                workspace.checkpoint_if_disk_is_full()
                with workspace.transaction():
                    workspace.runs.delete(key)
            gone[key] = run_id
    return gone


def _list_orphaned_folders(workspace: Workspace, unchanged_since: int) -> list[Path]:
    """Return the folders of killed submissions and sessions, and of runs that are no longer in the store.

    The folder of a run whose row is lost looks the same, so it must also be older than the cutoff time. If another host
    uses the workspace, none is returned, since the locks are on that host.
    """
    if workspace.is_used_elsewhere:
        return []
    latest = min(time.time() - RECENT_USE_SECONDS, unchanged_since / MICROSECONDS)
    of_runs = [
        folder for folder in iterate_subfolders(workspace.folder / "runs") if _get_last_change_time(folder) < latest
    ]
    of_sessions = [folder for folder in list_session_remnants(workspace) if _is_unchanged_for_a_day(folder)]
    return [
        folder
        for folder in (*of_runs, *of_sessions)
        if workspace.runs.find_key(folder.name) is None
        and workspace.trash.find_run(folder.name) is None
        and _is_unlocked(folder)
    ]


def _get_last_change_time(folder: Path) -> float:
    """Return the time of the last change in a run's folder or of the run's end, in seconds since the epoch.

    For a folder that does not exist or cannot be read, return the current time.
    """
    run_folder = RunFolder(folder)
    try:
        ended_at = (read_json(run_folder.outcome) or {}).get("ended_at")
        moments = [ended_at / MICROSECONDS] if isinstance(ended_at, (int, float)) else []
        moments.append(folder.stat().st_mtime)
        for top in (folder, run_folder.journal):
            with suppress(FileNotFoundError), os.scandir(top) as entries:
                moments.extend(entry.stat(follow_symlinks=False).st_mtime for entry in entries)
    except OSError:
        return time.time()
    return max(moments)


def _is_unchanged_for_a_day(folder: Path) -> bool:
    """Return whether a folder exists and nothing in it was added or removed in the last day."""
    try:
        return folder.stat().st_mtime < time.time() - RECENT_USE_SECONDS
    except FileNotFoundError:
        return False


def _is_unlocked(folder: Path) -> bool:
    """Return whether no process holds the lock file of a run's or session's folder."""
    try:
        lock = OwnerLock.open(folder / "lock")
    except FileNotFoundError:
        return True
    try:
        return lock.is_free()
    finally:
        lock.close()


def _list_used_environment_keys(home: Path, excluded_folders: Collection[Path]) -> set[str]:
    """Return the keys of the environments used by runs of all workspaces, except runs in `excluded_folders`."""
    keys = set()
    for folder in _iterate_run_folders(home):
        if folder not in excluded_folders:
            run_folder = RunFolder(folder)
            templates = [(read_json(RunFolder(one).submission) or {}) for one in run_folder.list_template_folders()]
            for plan in (read_json(run_folder.environment_plan), *(one.get("environment") for one in templates)):
                if plan is not None and plan.get("build"):
                    keys.add(plan["build"]["key"])
    return keys


def _iterate_run_folders(home: Path) -> Iterator[Path]:
    """Return an iterator over the folders of the runs of all workspaces, including those in the trash."""
    return chain.from_iterable(home.glob(f"workspaces/*/*/*/{name}/*") for name in ("runs", TRASH))


def _build_removal_error(error: OSError) -> MlrunError:
    return FileNotWritable(error.filename, error, hint="Check its permissions ('ls -l'), and prune again.")
