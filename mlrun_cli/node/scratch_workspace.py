"""The scratch workspace of a supervisor on a node: an ordinary workspace in a local folder, with one run.

It holds what the supervisor and the script ask about their run, and is removed with the supervisor. All that is to last
goes to the shared folder as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_lines import append_lines
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.node.scratch_folder import create_scratch_folder
from mlrun_cli.runs.attempt import Documents
from mlrun_cli.runs.events import read_attempts
from mlrun_cli.runs.folder import create_lock_file
from mlrun_cli.runs.rebuild_files import read_run_documents
from mlrun_cli.runs.shared_folder import LINKED, SharedFolder, SharedRunFolder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.rebuild import import_folders
from mlrun_cli.workspace_locator import WorkspaceIdentity, WorkspaceLocator, locate_workspace

_VOLATILE = ("attempts", "lease_until", "host_id", "boot_id", "pid_namespace", "ended_at", "started_at")


@contextmanager
def create_scratch_workspace(
    shared: SharedRunFolder, submission: Submission, redactor: Redactor
) -> Iterator[tuple[WorkspaceLocator, int]]:
    """Create the scratch workspace of a run, yield its locator and its lock, and finally remove it.

    The lock, an open descriptor, shows other processes that the workspace is in use.

    Raises:
        OSError: it cannot be created.
        MlrunError: its store cannot be written, or the record of the run is missing.
    """
    identity = WorkspaceIdentity(submission.subscription_id, submission.resource_group, submission.workspace_name)
    with create_scratch_folder(submission.run_id) as (home, lock):
        locator = locate_workspace(home, identity)
        _create_folders(locator.folder, shared, submission.run_id)
        with locator.database.create_replacement() as new:
            import_folders(new.database, locator.folder, redactor, is_rebuilt=True)
            new.replace_current("replaced")
        yield locator, lock


def _create_folders(folder: Path, shared: SharedRunFolder, run_id: str) -> None:
    run_folder = folder / "runs" / run_id
    run_folder.mkdir(mode=0o700, parents=True)
    create_lock_file(run_folder / "lock")
    for name in LINKED:
        (run_folder / name).symlink_to(shared.path / name)
    (folder / "snapshots").symlink_to(SharedFolder(shared.path.parents[1]).snapshots)
    documents = read_run_documents(shared)
    if run_id not in documents:
        raise StoredFilesLost(
            f"The record of the run in {shared.path} is gone.", hint="Submit the run again.", target=run_id
        )
    own = _reset_document(documents.pop(run_id), read_attempts(shared))
    append_lines(run_folder / "record.jsonl", [own])
    append_lines(run_folder / "children.jsonl", documents.values())


def _reset_document(document: Mapping[str, Any], attempt_documents: Documents) -> dict[str, Any]:
    """Return a run's document in its state before the first attempt, but with the recorded attempts."""
    row = {name: value for name, value in document["row"].items() if name not in _VOLATILE}
    row["status"] = RunStatus.NOT_STARTED.value
    if attempt_documents:
        row["attempts"] = json.dumps(attempt_documents)
    return {**document, "row": row, "history": []}
