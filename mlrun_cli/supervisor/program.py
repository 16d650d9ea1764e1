"""The supervisor program, which opens the workspace and supervises one run or recovers lost runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.redaction import NAMES_VARIABLE
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.inheritance import set_umask_and_niceness
from mlrun_cli.processes.linux import become_subreaper
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.program_start import BUSY_SECONDS, detach_program, open_workspace_when_available
from mlrun_cli.runtime.queue import wake_dispatchers
from mlrun_cli.supervisor.recovery import recover_all, write_failure_to_folder
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.supervisor.supervisor import Supervisor
from mlrun_cli.targets.programs import STDIN
from mlrun_cli.targets.waiting_supervisor import receive_locks, redirect_standard_streams
from mlrun_cli.workspace import Workspace


def main(arguments: list[str]) -> int:
    """Supervise a run, or recover it and other lost runs; return the exit code of the supervisor program."""
    _, folder, _, listed, *options, run_id = arguments
    descriptors = _detach_and_get_locks(Path(folder), run_id, listed)
    if not descriptors:
        return 0
    if options:
        with suppress(OSError):  # who handed the lock over did, by its own pid
            OwnerLock(descriptors[0]).record_recovery()
        with open_workspace_when_available(Path(folder), Path("runs", run_id)) as workspace:
            recover_all(workspace, run_id)
            OwnerLock(descriptors[0]).close()  # a dispatcher may start the run again
            _wake_dispatchers(workspace)
        return 0
    become_subreaper()
    try:
        workspace = open_workspace_when_available(Path(folder), Path("runs", run_id))
    except StoreError as error:
        write_failure_to_folder(RunFolder(Path(folder, "runs", run_id)), error)
        return 1
    with workspace:
        run_folder = workspace.get_run_folder(run_id)
        given = _read_inputs(run_folder)
        if given is None:
            recover_all(workspace, run_id)
            return 1
        submission, own = given
        set_umask_and_niceness(submission.umask, submission.niceness)
        # A dispatcher has those of whoever has started that.
        os.environ[NAMES_VARIABLE] = own.environment.get(NAMES_VARIABLE, "")
        workspace.set_busy_timeout(BUSY_SECONDS)
        if Supervisor(SupervisedRun(workspace, submission, own, run_folder)).run():
            _wake_dispatchers(workspace)
    return 0


def _detach_and_get_locks(folder: Path, run_id: str, lock_fd_list: str) -> Sequence[int]:
    """Detach this process; return the descriptors of the run's locks, or an empty sequence if it was abandoned."""
    if lock_fd_list != STDIN:
        descriptors = [int(descriptor) for descriptor in lock_fd_list.split(",")]
        detach_program(folder, *descriptors)
        return descriptors
    detach_program(folder)
    locks = receive_locks()
    if locks:
        redirect_standard_streams(RunFolder(folder / "runs" / run_id))
    return locks


def _read_inputs(folder: RunFolder) -> tuple[Submission, Secrets] | None:
    """Return the submission and secrets of a run, or None if either is missing or unreadable."""
    try:
        document, secrets = read_json(folder.submission), read_json(folder.secrets)
        if document is None or secrets is None:
            return None
        return Submission.from_json(document), Secrets.from_json(secrets)
    except Exception:  # whatever stands there
        log_exception()
        return None


def _wake_dispatchers(workspace: Workspace) -> None:
    """Wake the dispatchers after nodes have become free; ignore an unavailable store."""
    with suppress(MlrunError):
        wake_dispatchers(workspace)
