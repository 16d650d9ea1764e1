"""Free disk space in the shared folders of compute targets by removing files that no run needs any more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.removal import remove_tree
from mlrun_cli.core.temporary import is_temporary, make_temporary_name
from mlrun_cli.environments.cache import measure_disk_usage, prune_environments
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.snapshots.pruning import prune_snapshots
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace

RECENT_USE_SECONDS = 24 * 60 * 60
"""The age below which anything is kept: it may belong to a run that is just being submitted."""


class SharedPruneResult(NamedTuple):
    """A record of the files removed from shared folders.

    Attributes:
        snapshots: the number of snapshots.
        contents: the number of contents of snapshots.
        environments: the keys of environments.
        copies: the copies of mlrun-cli and of its SDK.
        size: the disk space that all of it took, in bytes.
        skipped: what could not be removed.
    """

    snapshots: int = 0
    contents: int = 0
    environments: Sequence[str] = ()
    copies: Sequence[str] = ()
    size: int = 0
    skipped: Sequence[str] = ()

    def combine(self, other: SharedPruneResult) -> SharedPruneResult:
        """Return the total of this result and another one."""
        return SharedPruneResult(
            self.snapshots + other.snapshots,
            self.contents + other.contents,
            (*self.environments, *other.environments),
            (*self.copies, *other.copies),
            self.size + other.size,
            (*self.skipped, *other.skipped),
        )


class _Options(NamedTuple):
    workspace: Workspace
    unused_since: int
    excluded: Collection[Path]
    dry_run: bool
    report: Callable[[str], None]


def prune_shared_folders(
    workspace: Workspace,
    unused_since: int,
    *,
    excluded_folders: Collection[Path],
    dry_run: bool,
    report: Callable[[str], None],
) -> SharedPruneResult:
    """Remove unneeded files from the targets' shared folders, except unavailable and read-only ones; return the result.

    Args:
        workspace: the workspace of the targets.
        unused_since: a timestamp in microseconds; environments that were built later are kept.
        excluded_folders: the folders of runs that are or would be removed.
        dry_run: whether to remove nothing.
        report: called with a message if the function has to wait for long, or if something cannot be removed.
    """
    options = _Options(workspace, unused_since, excluded_folders, dry_run, report)
    pruned = SharedPruneResult()
    for shared in _list_shared_folders(workspace):
        for prune in (_prune_snapshots, _prune_environments, _prune_copies):
            try:
                pruned = pruned.combine(prune(shared, options))
            except OSError as error:
                pruned = pruned.combine(SharedPruneResult(skipped=(os.fspath(shared.path),)))
                report(f"Skipped, since it cannot be pruned: {error.filename or shared.path}: {error.strerror}.")
    return pruned


def list_referenced_snapshot_ids(runs_folder: Path, excluded_folders: Collection[Path]) -> set[str]:
    """Return the ids of the snapshots of all runs with a folder in `runs_folder`, except for `excluded_folders`.

    Those of the templates that child runs are started from are included.
    """
    folders = [folder for folder in iterate_subfolders(runs_folder) if folder not in excluded_folders]
    templates = chain.from_iterable(RunFolder(folder).list_template_folders() for folder in folders)
    documents = (read_json(RunFolder(folder).submission) for folder in chain(folders, templates))
    return {document.get("snapshot_id", "") for document in documents if document is not None}


def iterate_subfolders(folder: Path) -> Iterator[Path]:
    """Yield the subfolders of a folder, sorted; yield nothing if it does not exist."""
    with suppress(FileNotFoundError):
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _list_shared_folders(workspace: Workspace) -> Sequence[SharedFolder]:
    """Return the available shared folders of the workspace's targets."""
    found: dict[Path, SharedFolder] = {}
    for row in workspace.compute_targets.list():
        with suppress(TargetKindNotFound):
            shared = get_target(workspace, row.name).shared_folder
            if shared is not None and shared.is_available():
                found[shared.path] = shared
    return list(found.values())


def _prune_snapshots(shared_folder: SharedFolder, options: _Options) -> SharedPruneResult:
    pruned = prune_snapshots(
        shared_folder.snapshots,
        lambda: list_referenced_snapshot_ids(shared_folder.runs, options.excluded),
        time.time() - RECENT_USE_SECONDS,
        dry_run=options.dry_run,
        report=options.report,
        lock_folder=options.workspace.snapshots_folder,
    )
    return SharedPruneResult(pruned.snapshots, pruned.contents, size=pruned.size)


def _prune_environments(shared_folder: SharedFolder, options: _Options) -> SharedPruneResult:
    """Remove old environments that no run in the shared folder needs, and return the result.

    Locks held on nodes are not visible here.
    """
    plans = (
        read_json(RunFolder(folder).environment_plan)
        for folder in _iterate_run_folders(shared_folder, options.excluded)
    )
    needed = {plan["build"]["key"] for plan in plans if plan is not None and plan.get("build")}
    keys, size = prune_environments(
        shared_folder.path, options.unused_since, protected_keys=needed, dry_run=options.dry_run
    )
    return SharedPruneResult(environments=tuple(keys), size=size)


def _prune_copies(shared_folder: SharedFolder, options: _Options) -> SharedPruneResult:
    """Remove copies of mlrun-cli and its SDK that no run or recent submission uses, and return the result."""
    needed = set()
    for folder in _iterate_run_folders(shared_folder, options.excluded):
        run_folder = shared_folder.get_run_folder(folder.name)
        needed.add((read_json(run_folder.program) or {}).get("folder"))
        needed.add((read_json(run_folder.submission) or {}).get("sdk_folder"))
    pruned = SharedPruneResult()
    for copy in (*iterate_subfolders(shared_folder.programs), *iterate_subfolders(shared_folder.sdk)):
        is_old = copy.stat().st_mtime < time.time() - RECENT_USE_SECONDS
        if os.fspath(copy) in needed or is_temporary(copy.name) or not is_old:
            continue
        pruned = pruned.combine(SharedPruneResult(copies=(os.fspath(copy),), size=measure_disk_usage(copy)))
        if not options.dry_run:
            doomed = copy.with_name(make_temporary_name())  # half a copy would be taken for a whole one
            copy.rename(doomed)
            remove_tree(doomed)
    return pruned


def _iterate_run_folders(shared_folder: SharedFolder, excluded_folders: Collection[Path]) -> Iterator[Path]:
    return (folder for folder in iterate_subfolders(shared_folder.runs) if folder not in excluded_folders)
