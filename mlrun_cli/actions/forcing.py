"""Forced end of runs whose supervisors are stopped or do not respond, or whose files are damaged."""

from __future__ import annotations

from contextlib import suppress

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.core.time import now
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import remove_secrets
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.reconciliation import reconcile_runs
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace

_MOMENT_SECONDS = 1.0
_BUSY_SECONDS = 30.0


def force_end_all(workspace: Workspace, target: str) -> list[str]:
    """Kill all runs of a compute target, and end those whose engine does not answer nevertheless; return their ids.

    The jobs of these may go on. A supervisor that still sees the shared folder ends its script.

    Raises:
        StoreError: another process has locked the store.
    """
    unreached: list[str] = []
    for run in workspace.runs.list_live_on_target(target):
        if not unreached:
            with suppress(EngineUnavailable):
                force_end(workspace, run)
                continue
        force_end(workspace, run, needs_engine=False)
        unreached.append(run.run_id)
    return unreached


def force_end(workspace: Workspace, run: Run, *, needs_engine: bool = True) -> Run:
    """Kill the processes and the supervisor of a run; return the run, now Canceled unless it had already ended.

    Values that its script has logged are kept if they can be read.

    Args:
        workspace: the workspace.
        run: the run.
        needs_engine: False if its engine is known not to answer.

    Raises:
        RunNotFound: the run has been deleted.
        StoreError: another process has locked the store.
        EngineUnavailable: the engine that has the run's job does not answer; the run remains CancelRequested.
    """
    workspace.set_busy_timeout(_MOMENT_SECONDS)
    try:
        with suppress(StoreUnavailable):  # it may be this very supervisor that holds the store
            run = cancel_run(workspace, run, 0.0, wakes=False)
        if run.status.is_terminal:
            return run
        target = find_target(workspace, run.target)
        was_reached = target.kill(run) if needs_engine else target.give_up(run)
    finally:
        workspace.set_busy_timeout(_BUSY_SECONDS)
    run = cancel_run(workspace, run, 0.0, wakes=False)
    if was_reached:
        reconcile_runs(workspace)
    with workspace.transaction(durable=True):
        workspace.runs.end_runs_of_owner(f"runs/{run.run_id}", RunStatus.CANCELED, ended_at=now(), error=None)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED, ended_at=now())
    start_notifier(workspace, run)
    remove_secrets(workspace.run_folder(run.run_id))
    return workspace.runs.get_by_key(run.key)
