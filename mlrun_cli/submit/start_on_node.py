"""The start of a recorded run by the engine of its target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlrun_cli.errors import MlrunError, OperatingSystemError
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.submit.new_run import NewRun, RecordedRun
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.submit.shared_run import write_stored_run
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.errors import SubmitUnanswered
from mlrun_cli.workspace import Workspace


def start_on_node(target: Target, new_run: NewRun, recorded: RecordedRun, folder: NewRunFolder) -> None:
    """Submit the job of a recorded run to the engine of its target; remove the run if it has no job.

    The run is recorded first and its lock is held until here: if this process is killed, the collector finds a run
    whose lock is free, and asks the engine for its job.

    Raises:
        EngineRefused: the engine refuses the job.
        EngineUnavailable: it does not answer; if it is a `SubmitUnanswered`, the run is kept.
        SharedFolderUnavailable: a file cannot be written.
    """
    assert new_run.place is not None
    workspace, shared = target.workspace, new_run.place.shared.run_folder(new_run.submission.run_id)
    run = workspace.runs.get_by_key(recorded.key)
    with _remove_if_without_job(workspace, run, folder):
        with new_run.place.convert_errors():
            write_stored_run(workspace, run, shared, recorded.secrets)
        start_supervisor(target, run, [])


@contextmanager
def _remove_if_without_job(workspace: Workspace, run: Run, folder: NewRunFolder) -> Iterator[None]:
    """Remove a run from the store if the block fails, unless it may have a job."""
    try:
        yield
    except SubmitUnanswered:
        raise
    except (MlrunError, OSError) as error:
        with workspace.transaction(durable=True):
            workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED)  # only what has ended is deleted
            workspace.runs.delete(run.key)
        folder.is_in_store = False
        if isinstance(error, OSError):
            raise OperatingSystemError(f"The job of the run cannot be submitted: {error}.") from error
        raise
