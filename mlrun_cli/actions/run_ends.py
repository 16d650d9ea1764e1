"""Cancel runs, mark them as failed, and wait until they have ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

from mlrun_cli.actions.runs import reload_run
from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunEnded, StoreError, TimedOut
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import find_shared_run_folder
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.controllers import wake_controller
from mlrun_cli.runtime.finish import end_runs_of_script
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.queue import wake_dispatcher, wake_dispatchers
from mlrun_cli.runtime.waiting import find_disk_wait_reason
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace

_UNASKED = ALIVE_STATUSES - {RunStatus.CANCEL_REQUESTED}
_LOOK_SECONDS = 0.05
_RECONCILE_SECONDS = 1.0
_RECORDING_SECONDS = 5.0


def fail_run(workspace: Workspace, run: Run, error: Mapping[str, Any]) -> Run:
    """Stop the script of a run, if it has one, and record the run as Failed with this error; return the run.

    Returns once the run has ended, or after the usual grace period.

    Raises:
        UsageError: the run has ended with another status.
    """
    with workspace.transaction(durable=True):
        run = reload_run(workspace, run)
        if run.status is RunStatus.FAILED:
            return run
        if run.status.is_terminal:
            raise RunEnded(
                f"The run '{run.run_id}' has ended as {run.status.value}, and cannot fail any more.",
                hint="Use a tag to mark it as not to be used.",
                target=run.run_id,
            )
        is_done = _request_end(workspace, run, GRACE_SECONDS, error)
    if is_done:
        start_notifier(workspace, run)
    _notify_owner(workspace, run, has_ended=is_done)
    if is_done:
        return reload_run(workspace, run)
    with suppress(TimedOut):
        wait_for_runs(workspace, [run], GRACE_SECONDS + _RECORDING_SECONDS)
    ended = reload_run(workspace, run)
    if ended.status.is_terminal and ended.status is not RunStatus.FAILED:
        raise RunEnded(
            f"The run '{run.run_id}' has meanwhile ended as {ended.status.value}, and cannot fail any more.",
            hint="Use a tag to mark it as not to be used.",
            target=run.run_id,
        )
    return ended


def cancel_run(workspace: Workspace, run: Run, grace_seconds: float, *, wakes_supervisor: bool = True) -> Run:
    """Request the cancellation of a run and return the run immediately, unchanged if it had already ended.

    A run without a supervisor to stop it, such as an interactive run, is Canceled immediately.

    Args:
        workspace: the workspace of the run.
        run: the run to cancel.
        grace_seconds: the time between SIGTERM and SIGKILL.
        wakes_supervisor: whether the supervisor is woken, to see the request immediately.

    Raises:
        RunNotFound: the run has been deleted.
    """
    with workspace.transaction(durable=True):
        is_done = _request_end(workspace, run, grace_seconds, None)
    if is_done:
        start_notifier(workspace, run)
    if wakes_supervisor or is_done:
        _notify_owner(workspace, run, has_ended=is_done)
    return reload_run(workspace, run)


def _request_end(workspace: Workspace, run: Run, grace_seconds: float, error: Mapping[str, Any] | None) -> bool:
    """Record a request, in the caller's transaction, to end a run; return whether that has ended it immediately.

    This is so if the run has no supervisor to stop it, and no job that could start one.
    """
    runs = workspace.runs
    outcome = RunStatus.CANCELED if error is None else RunStatus.FAILED
    nobody_to_ask = _list_unsupervised_statuses(workspace, run)
    ended_at = now()
    if runs.change_status(run.key, nobody_to_ask, outcome, ended_at=ended_at, error=error):
        end_runs_of_script(workspace, run, outcome, ended_at)
        _remove_secrets(workspace, run)
        return True
    if not runs.change_status(run.key, _UNASKED, RunStatus.CANCEL_REQUESTED, cancel_grace_seconds=grace_seconds):
        runs.update(run.key, cancel_grace_seconds=grace_seconds)
    if error is not None:
        runs.update(run.key, failed_with=error)
    return False


def _list_unsupervised_statuses(workspace: Workspace, run: Run) -> Set[RunStatus]:
    """Return the statuses in which this run has no supervisor, no controller and no job."""
    if run.owner_lock is not None:
        return ALIVE_STATUSES
    if run.controller is not None:
        return frozenset()
    is_on_engine = find_shared_run_folder(workspace.get_run_folder(run.run_id)) is not None
    return frozenset() if is_on_engine else frozenset({RunStatus.QUEUED})


def _notify_owner(workspace: Workspace, run: Run, *, has_ended: bool) -> None:
    """Ask the supervisor of a run to stop, or wake the dispatchers if the run ended without a supervisor."""
    if run.controller is not None:
        with suppress(OSError, StoreError):  # the next look at a run calls again
            wake_controller(workspace, run)
    elif not has_ended:
        target = get_target(workspace, run.target)
        target.cancel(run)
        if target.dispatcher_follows_runs:
            with suppress(OSError, StoreError):  # the next look at a run calls again
                wake_dispatcher(workspace, target.name)
    elif run.owner_lock is None:
        wake_dispatchers(workspace)


def _remove_secrets(workspace: Workspace, run: Run) -> None:
    """Remove the secrets of a run that has no supervisor to remove them, before its end is stored.

    If the process is killed in between, the run has no secrets, and is Canceled when it would be started.
    """
    workspace.get_run_folder(run.run_id).secrets.unlink(missing_ok=True)


def wait_for_runs(
    workspace: Workspace,
    runs: Sequence[Run],
    timeout_seconds: float | None,
    watch: Callable[[Mapping[str, RunStatus]], None] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Sequence[Run]:
    """Wait until all runs have ended and return them; raise when `timeout_seconds` have elapsed.

    Args:
        workspace: the workspace of the runs.
        runs: the runs to wait for.
        timeout_seconds: the longest time to wait; None means no limit.
        watch: called repeatedly with a mapping from the ids of the remaining runs to their statuses.
        report: called with one message for each run that cannot end because the disk is full.

    Raises:
        TimedOut: the time is over; the message lists the runs that have not ended.
        RunNotFound: one of the runs has been deleted.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    waiting = {run.key: run for run in runs}
    told: set[int] = set()
    next_reconciliation = 0.0
    while waiting:
        if time.monotonic() >= next_reconciliation:
            reconcile(workspace)
            next_reconciliation = time.monotonic() + _RECONCILE_SECONDS
            full = describe_full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
            for key, run in waiting.items():
                if key not in told and (room := find_disk_wait_reason(workspace, run, full)) is not None:
                    report(f"{run.run_id} waits for {room}.")
                    told.add(key)
        statuses: dict[str, RunStatus] = {}
        for key, run in list(waiting.items()):
            status = workspace.runs.find_status(key)
            if status is None or status.is_terminal:
                del waiting[key]
            else:
                statuses[run.run_id] = status
        if watch is not None:
            watch(statuses)
        if waiting and deadline is not None and time.monotonic() >= deadline:
            names = ", ".join(run.run_id for run in waiting.values())
            raise TimedOut(
                f"The time of {timeout_seconds:g} s has run out; still going: {names}.",
                hint="Use 'mlrun run wait' to go on waiting, or 'mlrun run cancel' to stop a run.",
            )
        if waiting:
            time.sleep(_LOOK_SECONDS)
    return [reload_run(workspace, run) for run in runs]


def count_running_children(workspace: Workspace, canceled_runs: Sequence[Run]) -> Mapping[str, int]:
    """Return the number of child runs that keep running after a cancellation, keyed by the id of their parent.

    Child runs that a script opened itself end with it and are not counted, nor are children of a counted run or those
    that a controller cancels.
    """
    canceled_runs = [run for run in canceled_runs if run.controller is None]
    ending = {f"runs/{run.run_id}" for run in canceled_runs}
    going: dict[str, str | None] = {}
    for run in canceled_runs:
        which = RunFilter(parent_run_id=run.run_id, is_recursive=True, statuses=_UNASKED)
        below = reversed(workspace.runs.list(which))
        going.update((child.run_id, child.parent_run_id) for child in below if child.owner_lock not in ending)
    return Counter(parent for parent in going.values() if parent is not None and parent not in going)
