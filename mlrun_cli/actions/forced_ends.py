"""Forced end of runs whose supervisors are stopped or do not respond, or whose files are damaged."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotFound, StoreError, StoreUnavailable
from mlrun_cli.processes.process import list_controllers, send_signal
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import find_shared_run_folder, remove_secrets
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.controllers import remove_template_secrets
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.queue import QueueFolder, wake_dispatcher
from mlrun_cli.runtime.reconciliation import reconcile_runs
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace

_MOMENT_SECONDS = 1.0
_BUSY_SECONDS = 30.0
_CONTROLLER_SECONDS = 5.0
_AGAIN_SECONDS = 0.01
_COLLECTOR_SECONDS = 5.0
"""How long the end of a run on an engine waits for its last values; its supervisor may be stopped."""
_LOOK_SECONDS = 0.05


def force_end_target_runs(workspace: Workspace, target: str) -> list[str]:
    """Force the end of all runs of a target, even without its engine; return the ids of runs whose jobs may continue.

    A supervisor that still sees the shared folder ends its script.

    Raises:
        StoreError: another process has locked the store.
    """
    runs = workspace.runs.list_live_runs_on_target(target)
    with suppress(EngineUnavailable):
        force_end_runs(workspace, runs)
    unreached = workspace.runs.list_live_runs_on_target(target)
    force_end_runs(workspace, unreached, needs_engine=False)
    return [run.run_id for run in unreached]


def force_end_runs(workspace: Workspace, runs: Sequence[Run], *, needs_engine: bool = True) -> Sequence[Run]:
    """Kill the processes and supervisors of runs; return the runs, now Canceled unless they had already ended.

    Values that their scripts have logged are kept if they can be read. The child runs of a controlled run end likewise.
    Runs whose engine does not answer are CancelRequested, and end once it does.

    Args:
        workspace: the workspace.
        runs: the runs.
        needs_engine: False if their engine is known not to answer.

    Raises:
        RunNotFound: one of the runs has been deleted.
        StoreError: another process has locked the store.
        EngineUnavailable: the engine that has the jobs of some runs does not answer; the others have ended. The message
            names the runs of the first such engine.
        OSError: secrets of a run, which has ended nevertheless, cannot be removed.
    """
    killed: list[Run] = []
    silent: dict[str, EngineUnavailable] = {}
    unreached: dict[str, list[str]] = {}
    failures: list[EngineUnavailable] = []
    missing: RunNotFound | None = None
    try:
        for run in (run for run in runs if not run.status.is_terminal):
            target = run.target or LOCAL_TARGET
            try:
                if target in silent:
                    cancel_run(workspace, run, 0.0)
                    unreached[target].append(run.run_id)
                else:
                    killed += _force_end_run(workspace, run, needs_engine=needs_engine)
            except EngineUnavailable as error:
                if run.controller is not None:  # the error names the child runs and their target
                    failures.append(error)
                else:
                    silent[target], unreached[target] = error, [run.run_id]
            except RunNotFound as error:
                missing = missing or error
    finally:
        _wait_for_collectors(workspace, killed if needs_engine else [])
        for run in killed:
            _record_end(workspace, run, needs_engine=needs_engine)
    failures += (_build_unreached_error(workspace, name, silent[name], ids) for name, ids in unreached.items())
    for failure in filter(None, (*failures, missing)):
        raise failure
    return workspace.runs.list_by_keys([run.key for run in runs])


def _build_unreached_error(
    workspace: Workspace, target: str, error: EngineUnavailable, run_ids: Sequence[str]
) -> EngineUnavailable:
    """Return the error to raise for runs that cannot be ended, since the engine of their target does not answer."""
    count = len(workspace.runs.list_live_runs_on_target(target))
    every = "the run" if count == 1 else f"all {count} live runs of the target"
    what, rest = f"The runs {format_first_names(run_ids)} are", "They are CancelRequested, and are"
    if len(run_ids) == 1:
        what, rest = f"The run {run_ids[0]} is", "It is CancelRequested, and is"
    reason = error.message.rstrip()
    ways_out = (
        f"{rest} canceled once '{target}' answers. If that is gone for good, 'mlrun computetarget detach -n {target}"
        f" --force' records {every} as Canceled and deletes the target; what runs there may go on."
    )
    return EngineUnavailable(
        f"{what} not ended yet, because '{target}' cannot be reached: {reason}{'' if reason.endswith('.') else '.'}",
        hint=f"{error.hint} {ways_out}" if error.hint else ways_out,
        target=run_ids[0],
    )


def _force_end_run(workspace: Workspace, run: Run, *, needs_engine: bool) -> Sequence[Run]:
    """Kill a run, or end it with its child runs if it is controlled; return it if its end is still to be recorded."""
    if run.controller is None:
        return _kill_run(workspace, run, needs_engine=needs_engine)
    _force_end_with_children(workspace, run, needs_engine=needs_engine)
    return []


def _kill_run(workspace: Workspace, run: Run, *, needs_engine: bool) -> Sequence[Run]:
    """Kill the processes and the supervisor of a run; return a list of only this run, or empty if it had already ended.

    The run remains CancelRequested if its engine does not answer.
    """
    folder = workspace.get_run_folder(run.run_id)
    workspace.set_busy_timeout(_MOMENT_SECONDS)
    try:
        try:
            run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
        except StoreUnavailable:  # it may be this very supervisor that holds the store
            with suppress(OSError):  # for whoever finds the run without its supervisor before the request is stored
                folder.canceled.touch(mode=0o600)
        if run.status.is_terminal:
            return []
        target = get_target(workspace, run.target)
        was_reached = target.kill(run) if needs_engine else target.kill_without_engine(run)
    finally:
        workspace.set_busy_timeout(_BUSY_SECONDS)
    run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
    if was_reached and target.dispatcher_follows_runs:
        with suppress(OSError, StoreError):
            wake_dispatcher(workspace, target.name)
    elif was_reached:
        reconcile_runs(workspace)
    return [run]


def _wait_for_collectors(workspace: Workspace, runs: Sequence[Run]) -> None:
    """Wait briefly until the collectors have recorded the ends of runs on engines."""
    deadline = time.monotonic() + _COLLECTOR_SECONDS
    keys = [run.key for run in runs if get_target(workspace, run.target).dispatcher_follows_runs]
    while keys and time.monotonic() < deadline:
        statuses = workspace.child_runs.get_statuses(keys)
        keys = [key for key, status in statuses.items() if not status.is_terminal]
        if keys:
            time.sleep(_LOOK_SECONDS)


def _record_end(workspace: Workspace, run: Run, *, needs_engine: bool) -> None:
    """Record the end of a killed run as Canceled, unless something else has recorded it.

    Its secrets in a shared folder are left to the collector, which hides them in what is still to be read, and which
    finds them by the started marker. Should that die, the next command that reads runs starts another.
    """
    folder = workspace.get_run_folder(run.run_id)
    shared = find_shared_run_folder(folder) if needs_engine else None
    if shared is not None and run.target is not None:
        with suppress(OSError):
            shared.started_marker.touch(mode=0o600)
            QueueFolder(workspace, run.target).mark_unfinished()
    with workspace.transaction(durable=True):
        workspace.runs.end_runs_of_owner(f"runs/{run.run_id}", RunStatus.CANCELED, ended_at=now(), error=None)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED, ended_at=now())
    start_notifier(workspace, run)
    folder.canceled.unlink(missing_ok=True)
    if shared is None:
        remove_secrets(folder)
        return
    folder.secrets.unlink(missing_ok=True)
    with suppress(OSError, StoreError):
        wake_dispatcher(workspace, get_target(workspace, run.target).name)


def _force_end_with_children(workspace: Workspace, run: Run, *, needs_engine: bool) -> None:
    """Kill a run's controller, then end its child runs and the run; if that fails, a controller is started again later.

    The other child runs have ended then.
    """
    folder = workspace.get_run_folder(run.run_id)
    with _kill_controller(workspace, run):
        run = cancel_run(workspace, run, 0.0, wakes_supervisor=False)
        if run.status.is_terminal:
            return
        keys = [child.key for child in workspace.child_runs.list_children(run.key) if not child.status.is_terminal]
        with suppress(RunNotFound):  # deleted meanwhile
            force_end_runs(workspace, workspace.runs.list_by_keys(keys), needs_engine=needs_engine)
        try:
            remove_template_secrets(folder)
        finally:
            with workspace.transaction(durable=True):
                workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.CANCELED, ended_at=now())
    start_notifier(workspace, run)


@contextmanager
def _kill_controller(workspace: Workspace, run: Run) -> Iterator[None]:
    """Kill the controller of a run, and hold the run's lock during a block, so that no other controller is started.

    A controller that cannot be killed, which may be on another machine, sees the end of its run later.
    """
    try:
        lock = OwnerLock.open(workspace.get_run_folder(run.run_id).lock)
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
