"""The start of a run's supervisor by its target, which may add properties to the run."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.base import Started, Target


def start_supervisor(target: Target, run: Run, lock_fds: Sequence[int]) -> Started:
    """Start the supervisor of a run, which inherits open locks, the owner lock first.

    Raises:
        OSError: no process could be started.
        MlrunError: the engine refuses the run, or the store cannot be written.
    """
    started = target.start_supervisor(run.run_id, lock_fds)
    if started.properties or started.is_queued:
        runs = target.workspace.runs
        with target.workspace.transaction(durable=True):
            runs.add_properties(run.key, started.properties)
            if started.is_queued:
                runs.change_status(run.key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)
    return started
