"""Forced end of runs whose supervisors are stopped or do not respond, or whose files are damaged."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotFound, StoreUnavailable
from mlrun_cli.processes.process import list_controllers, send_signal
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import remove_secrets
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.controllers import remove_template_secrets
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.reconciliation import reconcile_runs
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace

_MOMENT_SECONDS = 1.0
_BUSY_SECONDS = 30.0
_CONTROLLER_SECONDS = 5.0
_AGAIN_SECONDS = 0.01


def force_end_target_runs(workspace: Workspace, target: str) -> list[str]:
    """Force the end of all runs of a target, even if its engine does not respond; return the ids of unreached runs.

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

    Values that its script has logged are kept if they can be read. The child runs of a controlled run end likewise.

    Args:
        workspace: the workspace.
        run: the run.
        needs_engine: False if its engine is known not to answer.

    Raises:
        RunNotFound: the run has been deleted.
        StoreError: another process has locked the store.
        EngineUnavailable: the engine that has the run's job does not answer; the run remains CancelRequested.
        OSError: secrets of the run, which has ended nevertheless, cannot be removed.
    """
    if run.controller is not None:
        return _force_end_with_children(workspace, run, needs_engine=needs_engine)
    workspace.set_busy_timeout(_MOMENT_SECONDS)
    try:
        with suppress(StoreUnavailable):  # it may be this very supervisor that holds the store
            run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
        if run.status.is_terminal:
            return run
        target = find_target(workspace, run.target)
        was_reached = target.kill(run) if needs_engine else target.give_up(run)
    finally:
        workspace.set_busy_timeout(_BUSY_SECONDS)
    run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
    if was_reached:
        reconcile_runs(workspace)
    with workspace.transaction(durable=True):
        workspace.runs.end_runs_of_owner(f"runs/{run.run_id}", RunStatus.CANCELED, ended_at=now(), error=None)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED, ended_at=now())
    start_notifier(workspace, run)
    remove_secrets(workspace.run_folder(run.run_id))
    return workspace.runs.get_by_key(run.key)


def _force_end_with_children(workspace: Workspace, run: Run, *, needs_engine: bool) -> Run:
    """Kill a run's controller and end the run and its child runs; if that fails, the controller is restarted later.

    The other child runs have ended then.
    """
    folder = workspace.run_folder(run.run_id)
    with _kill_controller(workspace, run):
        run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
        if run.status.is_terminal:
            return run
        unreached: EngineUnavailable | None = None
        for child in workspace.child_runs.list_children(run.key):
            try:
                if not child.status.is_terminal:
                    force_end(workspace, workspace.runs.get_by_key(child.key), needs_engine=needs_engine)
            except RunNotFound:
                pass  # it has been deleted meanwhile
            except EngineUnavailable as error:
                unreached = unreached or error
        if unreached is not None:
            raise unreached
        try:
            remove_template_secrets(folder)
        finally:
            with workspace.transaction(durable=True):
                workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED, ended_at=now())
    start_notifier(workspace, run)
    return workspace.runs.get_by_key(run.key)


@contextmanager
def _kill_controller(workspace: Workspace, run: Run) -> Iterator[None]:
    """Kill the controller of a run, and hold its lock so that nothing starts another one meanwhile.

    A controller that cannot be killed, which may be on another machine, sees the end of its run later.
    """
    try:
        lock = OwnerLock.open(workspace.run_folder(run.run_id).lock)
    except FileNotFoundError:  # neither is there a controller
        yield
        return
    try:
        deadline = time.monotonic() + _CONTROLLER_SECONDS
        while not lock.try_acquire() and time.monotonic() < deadline:
            for controller in list_controllers(workspace.folder, run.run_id):
                send_signal(controller, signal.SIGKILL)
            time.sleep(_AGAIN_SECONDS)
        yield
    finally:
        lock.close()
