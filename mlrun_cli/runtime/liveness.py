"""Reconciliation of stored statuses with the machine: runs whose supervisor is gone are recovered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, suppress

from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.processes.host import this_origin
from mlrun_cli.runs.error import SERVICE_ERROR, run_error
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.queue import mind_queues
from mlrun_cli.runtime.sessions import reconcile_sessions
from mlrun_cli.runtime.unfinished_submits import remove_unfinished_submits
from mlrun_cli.targets.local import start_recovery
from mlrun_cli.workspace import Workspace

LEASE_SECONDS = 60

_PATIENCE_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.004
_START_AGAIN_SECONDS = 0.5
"""After which recovery is started again: it may have been killed."""


def reconcile(workspace: Workspace) -> frozenset[int]:
    """Reconcile all runs and ensure that every queue has a dispatcher; keys of runs that do not respond."""
    not_responding = reconcile_runs(workspace)
    mind_queues(workspace)
    return not_responding


def reconcile_runs(workspace: Workspace) -> frozenset[int]:
    """Record what happened to every run that has lost its supervisor, or the session that had it open.

    Returns the keys of those that could not be recovered in time: they are to be shown as NotResponding. A run that one
    reader has waited for in vain is recovered while nobody waits.
    """
    workspace.follow()
    given_up = reconcile_sessions(workspace)
    remove_unfinished_submits(workspace)
    lost = [run for run in workspace.runs.alive() if may_judge(run) and _is_lost(workspace, run)]
    slow = [run for run in lost if not _is_worth_waiting_for(workspace, run)]
    awaited = [run for run in lost if run not in slow]
    started = time.monotonic()
    start_again = started
    if slow and not awaited:
        _start_recovery(workspace, slow)
    while awaited and time.monotonic() < started + _PATIENCE_SECONDS:
        if time.monotonic() >= start_again:
            start_again = time.monotonic() + (_START_AGAIN_SECONDS if _start_recovery(workspace, awaited) else 0.0)
        time.sleep(_LOOK_AGAIN_SECONDS)
        awaited = [run for run in awaited if _is_alive(workspace.runs.status(run.key))]
    for run in awaited:
        _note_slow(workspace, run)
    lost = [run for run in (*slow, *awaited) if _is_alive(workspace.runs.status(run.key))]
    owned = (key for owner_lock in given_up for key in workspace.runs.list_keys_of_owner(owner_lock))
    return frozenset([*(run.key for run in lost), *owned])


def shown(run: Run, not_responding: frozenset[int]) -> Run:
    """Return the run as it is to be shown after `reconcile`."""
    return run._replace(status=RunStatus.NOT_RESPONDING) if run.key in not_responding else run


def room_waited_for(workspace: Workspace, run: Run, full: str | None) -> str | None:
    """What a run waits for whose supervisor cannot write on a disk that is full, as `full` says it."""
    if full is None or run.status.is_terminal:
        return None
    with suppress(OSError), closing(OwnerLock.open(workspace.run_folder(run.run_id).lock)) as lock:
        if lock.is_waiting_for_room():
            return f"room on its disk: {full}"
    return None


def may_judge(run: Run) -> bool:
    """Whether the lock of a live run tells this process anything.

    Runs of this very boot and PID namespace are judged by their lock alone, and so are those of an earlier boot.
    What lives in another namespace or on another machine is left alone until its lease has run out.
    """
    if run.origin is None or run.status is RunStatus.QUEUED:
        return False
    here = this_origin()
    if run.origin == here:
        return True
    if run.origin.host_id == here.host_id and run.origin.boot_id != here.boot_id:
        return True
    return run.lease_until is not None and run.lease_until < now()


def lease_end() -> int:
    """Until when a supervisor that renews its lease at this moment counts as alive elsewhere."""
    return now() + LEASE_SECONDS * MICROSECONDS


def _is_lost(workspace: Workspace, run: Run) -> bool:
    """Return whether a live run has lost its supervisor, or is being recovered at this moment."""
    folder = workspace.run_folder(run.run_id)
    try:
        lock = OwnerLock.open(folder.lock)
    except FileNotFoundError:
        is_ours = run.origin is not None and run.origin.host_id == this_origin().host_id
        if is_ours and workspace.lacks(folder.lock):
            _record_folder_gone(workspace, run)
        return False
    except OSError:
        return False
    try:
        # Asked once more when the lock is free: a run that has just ended has let go of it.
        return _is_alive(workspace.runs.status(run.key)) if lock.is_free() else lock.is_recovering()
    finally:
        lock.close()


def _is_worth_waiting_for(workspace: Workspace, run: Run) -> bool:
    with suppress(OSError), closing(OwnerLock.open(workspace.run_folder(run.run_id).lock)) as lock:
        return lock.is_worth_waiting_for()
    return True


def _note_slow(workspace: Workspace, run: Run) -> None:
    with suppress(OSError), closing(OwnerLock.open(workspace.run_folder(run.run_id).lock)) as lock:
        lock.note_slow()


def _start_recovery(workspace: Workspace, lost: Sequence[Run]) -> bool:
    """Ensure that a process recovers these runs, handing it the lock of one of them; False when that cannot be now."""
    for run in lost:
        try:
            lock = OwnerLock.open(workspace.run_folder(run.run_id).lock)
        except OSError:
            continue
        try:
            if lock.take_to_recover():
                if _is_alive(workspace.runs.status(run.key)):
                    start_recovery(workspace, run.run_id, lock)
                    return True
            elif not lock.is_free() and lock.is_recovering():
                return True
        except OSError:
            continue
        finally:
            lock.close()
    return False


def _record_folder_gone(workspace: Workspace, run: Run) -> None:
    error = run_error("The folder of the run has been removed while it had not ended.", code=SERVICE_ERROR)
    with workspace.transaction(durable=True):
        workspace.runs.end_runs_of_owner(f"runs/{run.run_id}", RunStatus.FAILED, ended_at=now(), error=error)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.FAILED, ended_at=now(), error=error)


def _is_alive(status: RunStatus | None) -> bool:
    return status is not None and not status.is_terminal
