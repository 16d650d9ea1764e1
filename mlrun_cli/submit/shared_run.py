"""The contents of a target's shared folder that a run on nodes needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.json_lines import append_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.runs.submission import Secrets
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.transfer import copy_snapshot
from mlrun_cli.targets.errors import SharedFolderUnavailable, convert_shared_folder_errors
from mlrun_cli.targets.package_copies import ensure_program_copy, ensure_sdk_copy
from mlrun_cli.workspace import Workspace


class SharedLocation(NamedTuple):
    """The location of a run in a shared folder, together with its snapshot, the program and the SDK.

    Attributes:
        target: the name of the target, for errors.
        shared: the shared folder.
        program: the copy of this program that its supervisor is started from.
        sdk_folder: the copy of the SDK for its script.
    """

    target: str
    shared: SharedFolder
    program: Path
    sdk_folder: Path

    def convert_errors(self) -> AbstractContextManager[None]:
        """Return a context manager that converts errors about the shared folder into `SharedFolderUnavailable`."""
        return convert_shared_folder_errors(self.target, self.shared.path)


def prepare_shared_folder(
    workspace: Workspace, target: str, shared_folder: SharedFolder, snapshot: Snapshot
) -> SharedLocation:
    """Copy a snapshot, this program and the SDK to a shared folder unless they are there; return their location.

    Raises:
        SharedFolderUnavailable: the folder is not in its place or cannot be written.
        StoredFilesLost: the workspace has lost content of the snapshot.
    """
    if not shared_folder.is_available():
        raise SharedFolderUnavailable(target, shared_folder.path, "it is not in its place")
    with convert_shared_folder_errors(target, shared_folder.path):
        copy_snapshot(snapshot, SnapshotStore(workspace.snapshots_folder), SnapshotStore(shared_folder.snapshots))
        program, sdk_folder = ensure_program_copy(shared_folder.programs), ensure_sdk_copy(shared_folder.sdk)
    return SharedLocation(target, shared_folder, program, sdk_folder)


def write_stored_run(workspace: Workspace, run: Run, folder: SharedRunFolder, secrets: Secrets) -> None:
    """Write a stored run's document, its ancestors' documents and its secrets to the run's shared folder.

    Raises:
        OSError: a file cannot be written.
    """
    append_lines(folder.record, workspace.read_rebuild_documents([run.key]))
    for ancestor in _iterate_ancestors(workspace, run):
        append_lines(folder.children, workspace.read_rebuild_documents([ancestor.key]))
    write_json(folder.secrets, secrets.to_json())


def _iterate_ancestors(workspace: Workspace, run: Run) -> Iterator[Run]:
    """Yield the ancestors of a run, starting with its parent."""
    while run.parent_run_id is not None:
        run = workspace.runs.get(run.parent_run_id)
        yield run
