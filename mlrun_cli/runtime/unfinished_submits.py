"""Folders, containing secrets, that killed submits have left for runs that never reached the store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.owned_file import OwnedFile, list_abandoned_files
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.shared_folder import remove_run_folder, remove_secrets
from mlrun_cli.workspace import Workspace


def create_submit_marker(run_folder: RunFolder) -> OwnedFile:
    """Return a locked file that marks a submit until its run is in the store.

    Raises:
        OSError: it cannot be created.
        StoreError: the file system does not support locks.
    """
    return OwnedFile(_get_marker_folder(run_folder.path.parent.parent) / run_folder.path.name)


def remove_unfinished_submits(workspace: Workspace) -> None:
    """Remove the files of killed submits, except for runs in the store, which recovery ends."""
    for left in list_abandoned_files(_get_marker_folder(workspace.folder)):
        folder = workspace.run_folder(left.name)
        # A read-only disk, or a shared folder that is not in its place: the next reconciliation tries again.
        with suppress(OSError):
            if workspace.runs.find_key(left.name) is None:
                remove_secrets(folder)
                if not _has_started(folder):
                    remove_run_folder(folder)
            left.unlink(missing_ok=True)


def _get_marker_folder(workspace: Path) -> Path:
    return workspace / "submits"


def _has_started(folder: RunFolder) -> bool:
    """Return whether the folder contains files of a started run, whose record must once have been stored."""
    from mlrun_cli.metrics.journal import list_journal_names  # noqa: PLC0415 - start-up: few submits are killed

    files = (folder.process, folder.outcome, folder.supervisor_log)
    return any(file.exists() for file in files) or bool(list_journal_names(folder.journal))
