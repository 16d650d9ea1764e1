"""Folders, containing secrets, that killed submissions have left for runs that never reached the store."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.owned_file import OwnedFile, claim_abandoned_file, list_abandoned_files
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import remove_run_folder, remove_secrets
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.005


def create_submission_marker(run_folder: RunFolder) -> OwnedFile:
    """Create, lock and return a file that marks a run as being submitted until the run is in the store.

    Raises:
        OSError: it cannot be created.
        StoreError: the file system does not support locks.
    """
    return OwnedFile.create(_get_marker_folder(run_folder.path.parent.parent) / run_folder.path.name)


def remove_unfinished_submissions(workspace: Workspace) -> None:
    """Remove the files of interrupted submissions, except those of stored runs, which recovery ends."""
    for left in list_abandoned_files(_get_marker_folder(workspace.folder)):
        # A read-only disk, or a shared folder that is not in its place: the next reconciliation tries again.
        with suppress(OSError):
            _remove_unfinished_submission(workspace, left)


def remove_unfinished_submission(workspace: Workspace, run_id: str) -> None:
    """Remove the files left by an interrupted submission of a run, so that its id can be used again.

    Raises:
        OSError: they cannot be removed.
    """
    marker = _get_marker_folder(workspace.folder) / run_id
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    # Another process may be removing them.
    while marker.exists() and not _remove_unfinished_submission(workspace, marker) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_SECONDS)


def _remove_unfinished_submission(workspace: Workspace, marker: Path) -> bool:
    """Remove the files and marker of an interrupted submission; return False if another process is removing them."""
    claimed = claim_abandoned_file(marker)
    if claimed is None:
        return False
    folder = workspace.get_run_folder(marker.name)
    try:
        if workspace.runs.find_key(marker.name) is None:
            remove_secrets(folder)
            if not _has_started(folder):
                remove_run_folder(folder)
    except BaseException:
        claimed.abandon()
        raise
    claimed.remove()
    return True


def _get_marker_folder(workspace: Path) -> Path:
    return workspace / "submits"


def _has_started(folder: RunFolder) -> bool:
    """Return whether a folder contains files of a started run, so that the run must have been in the store."""
    from mlrun_cli.metrics.journal import list_journal_names  # noqa: PLC0415 - start-up: few submissions are killed

    files = (folder.process, folder.outcome, folder.supervisor_log)
    return any(file.exists() for file in files) or bool(list_journal_names(folder.journal))
