"""The start of supervisors by the target of their runs, which may add properties to the runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.base import StartedSupervisor, Target
from mlrun_cli.targets.errors import EngineUnavailable

if TYPE_CHECKING:
    from mlrun_cli.targets.engine import EngineTarget  # start-up: most runs have no engine


def start_supervisor(target: Target, run: Run, lock_fds: Sequence[int]) -> StartedSupervisor:
    """Start a run's supervisor, which inherits the open locks, the owner lock first; store and return its properties.

    Raises:
        OSError: no process could be started.
        MlrunError: the engine refuses the run, or the store cannot be written.
    """
    started = target.start_supervisor(run.run_id, lock_fds)
    if started.properties or started.is_queued:
        store_start(target, run, started)
    return started


def store_start(target: Target, run: Run, started: StartedSupervisor) -> None:
    """Store the properties that a run has got at its start and, if its job is queued, the status Queued.

    Raises:
        StoreError: the store cannot be written.
    """
    runs = target.workspace.runs
    with target.workspace.transaction(durable=True):
        runs.add_properties(run.key, started.properties)
        if started.is_queued:
            runs.change_status(run.key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)


def start_supervisor_batch(target: EngineTarget, runs: Sequence[Run]) -> bool:
    """Start the supervisors of several runs with one call to their engine; return False if none was started.

    The jobs of runs that have ended meanwhile, when there was no job yet to cancel, are cancelled.

    Raises:
        EngineUnavailable: the engine does not answer, and may have all of the jobs or none.
        StoreError: the store cannot be written.
    """
    try:
        started = target.start_supervisor_batch([run.run_id for run in runs])
    except RunNotFound:  # one was deleted
        return False
    store, workspace = target.workspace.runs, target.workspace
    with workspace.transaction(durable=True):
        statuses = workspace.child_runs.get_statuses([run.key for run in runs if run.run_id in started])
        for run in runs:
            if run.key in statuses:
                store.add_properties(run.key, started[run.run_id].properties)
                store.change_status(run.key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)
    alive = {run.run_id for run in runs if run.key in statuses and not statuses[run.key].is_terminal}
    ended = [start.properties[target.job_property] for run_id, start in started.items() if run_id not in alive]
    if ended:
        with suppress(EngineUnavailable):
            target.cancel_jobs(ended)
    return bool(started)
