"""The start of recorded runs by the engine of their target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mlrun_cli.errors import MlrunError, OperatingSystemError, RunNotFound, StoreError, StoreUnavailable
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.queue import wake_dispatcher
from mlrun_cli.runtime.supervisor_start import start_supervisor, start_supervisor_batch, store_start
from mlrun_cli.submit.new_run import NewRun, RecordedRun
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.submit.shared_run import write_stored_run
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.errors import EngineRefused, SharedFolderUnavailable, SubmitUnanswered


def start_on_node(target: Target, new_run: NewRun, recorded: RecordedRun, folder: NewRunFolder) -> None:
    """Submit a recorded run as a job to its target's engine; if this fails, remove the run unless it may have a job.

    One that is to follow another run only waits for it.

    The run is recorded first and its lock is held until here: if this process is killed, the collector finds a run
    whose lock is free, and asks the engine for its job.

    Raises:
        EngineRefused: the engine refuses the job.
        EngineUnavailable: it does not answer; if it is a `SubmitUnanswered`, the run is kept.
        SharedFolderUnavailable: a file cannot be written.
        StoreError: the store cannot be used; a run whose job the engine has accepted is kept.
    """
    assert new_run.place is not None
    workspace, shared = target.workspace, new_run.place.shared.get_run_folder(new_run.submission.run_id)
    run = workspace.runs.get_by_key(recorded.key)
    with _remove_if_without_job(target, run, folder):
        with new_run.place.convert_errors():
            write_stored_run(workspace, run, shared, recorded.secrets)
        if run.predecessor_key is not None:
            _hold_run(target, run)
            return
        started = target.start_supervisor(run.run_id, [])
    try:
        store_start(target, run, started)
    except StoreError as error:
        kept = f"The run {run.run_id} is kept: it has a job, which is found once the store can be written."
        error.hint = f"{error.hint or ''} {kept}".lstrip()
        error.target = run.run_id
        _wake_collector(target)
        raise


def _hold_run(target: Target, run: Run) -> None:
    """Queue a run that follows another one, whose job the collector submits once that has completed.

    Raises:
        EngineRefused: the engine can never start it.
        EngineUnavailable: the engine does not answer.
        StoreError: the store cannot be used.
    """
    assert isinstance(target, EngineTarget)
    target.check_job_request(target.build_job_request(run.run_id))
    with target.workspace.transaction(durable=True):
        target.workspace.runs.change_status(run.key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)


def start_batch_on_nodes(target: EngineTarget, new_runs: Sequence[tuple[NewRun, RecordedRun]]) -> None:
    """Submit several recorded runs as jobs in a single call to the engine or, if that fails, one by one.

    Their locks are held until here. A run that has no job in the end, because its files cannot be written or the engine
    refuses it, remains as it was recorded; runs that have been ended meanwhile get no job.

    Raises:
        EngineUnavailable: the engine does not answer, and may have all of the jobs or none.
        StoreError: the store cannot be used; the collector finds the jobs of the runs.
    """
    workspace = target.workspace
    news = {recorded.key: (new.place, recorded.secrets) for new, recorded in new_runs}
    ready = []
    for run in workspace.runs.list_by_keys(list(news)):
        place, secrets = news[run.key]
        if place is None or run.status.is_terminal:
            continue
        with suppress(SharedFolderUnavailable), place.convert_errors():
            write_stored_run(workspace, run, place.shared.get_run_folder(run.run_id), secrets)
            ready.append(run)
    if len(ready) > 1 and start_supervisor_batch(target, ready):
        return
    with suppress(EngineRefused, SharedFolderUnavailable, RunNotFound):  # what one is refused for, others are as well
        for run in ready:
            start_supervisor(target, run, [])


@contextmanager
def _remove_if_without_job(target: Target, run: Run, folder: NewRunFolder) -> Iterator[None]:
    """Remove a run from the store if the block fails, unless it may have a job."""
    workspace = target.workspace
    try:
        yield
    except SubmitUnanswered:
        _wake_collector(target)
        raise
    except (MlrunError, OSError) as error:
        with workspace.transaction(durable=True):
            workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED)  # only what has ended is deleted
            workspace.runs.delete(run.key)
        folder.is_in_store = False
        if isinstance(error, OSError):
            raise OperatingSystemError(f"The job of the run cannot be submitted: {error}.") from error
        raise


def _wake_collector(target: Target) -> None:
    with suppress(OSError, StoreUnavailable):  # the next look at a run calls again
        wake_dispatcher(target.workspace, target.name)
