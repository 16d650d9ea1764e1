"""Deletion of ended runs, into the trash or permanently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.actions.trash import remove_trashed_descendants
from mlrun_cli.errors import OperatingSystemError, RunNotEnded, RunProtected
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import find_shared_run_folder, is_shared_folder_unavailable, remove_run_folder
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.workspace import Workspace

_SHOWN_NAMES = 10


def list_runs_with_descendants(workspace: Workspace, runs: Sequence[Run]) -> Sequence[Run]:
    """Return the runs and all of their descendants, without duplicates."""
    found: dict[int, Run] = {}
    for run in runs:
        found.setdefault(run.key, run)
        for below in workspace.runs.list(RunFilter(parent_run_id=run.run_id, is_recursive=True)):
            found.setdefault(below.key, below)
    return list(found.values())


def check_deletable(workspace: Workspace, runs: Sequence[Run], *, force: bool) -> None:
    """Raise if any of the runs cannot be deleted.

    Args:
        workspace: the workspace of the runs.
        runs: the runs.
        force: whether even runs that are kept or that are the source of a registered model are to be deleted.

    Raises:
        UsageError: a run has not ended, is below a live sweep or pipeline, or is protected.
    """
    live = [run.run_id for run in runs if not run.status.is_terminal]
    if live:
        raise RunNotEnded(
            f"Runs have not ended: {', '.join(live)}.",
            hint="Cancel them first ('mlrun run cancel'), or wait.",
            target=live[0],
        )
    check_runs_not_needed(workspace, runs)
    spared = {} if force else workspace.retention.explain_retained_runs([run.run_id for run in runs])
    if spared:
        reasons = [f"{run_id} ({why})" for run_id, why in spared.items()]
        raise RunProtected(
            f"Nothing was deleted, because runs are protected: {format_first_names(reasons, _SHOWN_NAMES)}.",
            hint="Add --force to delete them too.",
        )


def check_runs_not_needed(workspace: Workspace, runs: Sequence[Run]) -> None:
    """Raise if a live sweep or pipeline that is not among the runs still needs one of them.

    Raises:
        RunNotEnded: one does.
    """
    holder = _find_live_ancestor(workspace, runs)
    if holder is not None:
        raise RunNotEnded(
            f"The run {holder} has not ended, and its controller still needs its child runs.",
            hint=f"Cancel it first ('mlrun run cancel -r {holder}'), or wait for its end.",
            target=holder,
        )


def _find_live_ancestor(workspace: Workspace, runs: Sequence[Run]) -> str | None:
    """Return the id of a live sweep or pipeline above one of the runs, or None if there is none."""
    seen = {run.run_id for run in runs}
    waiting = [run.parent_run_id for run in runs]
    while waiting:
        run_id = waiting.pop()
        if run_id is None or run_id in seen:
            continue
        seen.add(run_id)
        key = workspace.runs.find_key(run_id)
        above = None if key is None else workspace.child_runs.find_by_key(key)
        if above is None:
            continue
        if above.controller is not None and not above.status.is_terminal:
            return run_id
        waiting.append(above.parent_run_id)
    return None


def remove_runs(workspace: Workspace, runs: Sequence[Run], *, leave_files: bool = False) -> Sequence[Path]:
    """Permanently remove ended runs with their files, metrics, tags and logs; return the folders of remaining files.

    Args:
        workspace: the workspace of the runs.
        runs: the runs to remove, with children after their parents.
        leave_files: whether to remove even runs whose files are in a shared folder that is not in its place.

    Raises:
        MlrunError: the files of a run cannot be removed; that run is kept, but the others are removed.
    """
    stayed, left, is_away = [], [], False
    for run in runs:
        folder = workspace.get_run_folder(run.run_id)
        try:
            shared = find_shared_run_folder(folder)
            if leave_files and shared is not None and is_shared_folder_unavailable(folder):
                left.append(shared.path)
            remove_run_folder(folder, keep_unavailable=leave_files)
        except OSError as error:
            stayed.append(f"{folder.path} ({error.filename}: {error.strerror})")
            is_away |= is_shared_folder_unavailable(folder)
            continue
        workspace.checkpoint_if_disk_is_full()
        with workspace.transaction(durable=True):
            workspace.runs.delete(run.key)
    remove_trashed_descendants(workspace, [run.key for run in runs], leave_files=leave_files)
    if stayed:
        raise OperatingSystemError(
            f"{len(stayed)} of {len(runs)} runs were not deleted, because their folders cannot be removed:"
            f" {format_first_names(stayed, _SHOWN_NAMES)}.",
            hint="Mount the shared folder, or add --leave-files if it is gone for good, and delete them again."
            if is_away
            else "Remove what stands in the way ('ls -la', 'mount'), and delete them again.",
        )
    return left
