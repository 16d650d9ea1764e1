"""Reconciliation of stored statuses with the machine, which recovers runs that have lost their supervisor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from mlrun_cli.core.time import now
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.runs.error import SERVICE_ERROR, EndReason, build_run_error
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.controllers import ensure_controllers
from mlrun_cli.runtime.queue import ensure_dispatchers
from mlrun_cli.runtime.sessions import reconcile_sessions
from mlrun_cli.runtime.slow_recovery import is_quick_recovery_expected, record_slow_recovery
from mlrun_cli.runtime.unfinished_submissions import remove_unfinished_submissions
from mlrun_cli.targets.base import Liveness, Target
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.004
_START_AGAIN_SECONDS = 0.5
"""The time after which recovery is started again: it may have been killed."""

_K = TypeVar("_K")


def reconcile_all(workspace: Workspace) -> frozenset[int]:
    """Reconcile all runs and start missing dispatchers and controllers; return the keys of runs that do not respond.

    The workspace must be known to be in place.
    """
    not_responding = _reconcile_without_reopening(workspace)
    ensure_dispatchers(workspace)
    ensure_controllers(workspace)
    return not_responding


def reconcile_runs(workspace: Workspace) -> frozenset[int]:
    """Recover or end every run whose supervisor or session has died; return the keys of runs that do not respond.

    These are the runs that could not be recovered before a timeout, to be shown as NotResponding. Once a reader has
    timed out waiting for a run, the run is recovered while no reader waits.
    """
    workspace.reopen_if_replaced()
    not_responding = _reconcile_without_reopening(workspace)
    ensure_controllers(workspace)
    return not_responding


def _reconcile_without_reopening(workspace: Workspace) -> frozenset[int]:
    """Do what `reconcile_runs` does for runs with supervisors or sessions, without reopening a replaced database."""
    given_up = reconcile_sessions(workspace)
    remove_unfinished_submissions(workspace)
    targets = _Targets(workspace)
    lost = targets.detect_lost_runs(workspace.runs.list_supervised_runs())
    slow = [run for run in lost if not is_quick_recovery_expected(workspace.get_run_folder(run.run_id).lock)]
    awaited = [run for run in lost if run not in slow]
    started = time.monotonic()
    start_again = started
    if slow and not awaited:
        targets.recover_lost_runs(slow)
    while awaited and time.monotonic() < started + _TIMEOUT_SECONDS:
        if time.monotonic() >= start_again:
            start_again = time.monotonic() + (_START_AGAIN_SECONDS if targets.recover_lost_runs(awaited) else 0.0)
        time.sleep(_LOOK_AGAIN_SECONDS)
        awaited = [run for run in awaited if _is_unrecovered(workspace.runs.find_status(run.key))]
    for run in awaited:
        record_slow_recovery(workspace.get_run_folder(run.run_id).lock)
    lost = [run for run in (*slow, *awaited) if _is_unrecovered(workspace.runs.find_status(run.key))]
    owned = (key for owner_lock in given_up for key in workspace.runs.list_keys_of_owner(owner_lock))
    return frozenset([*(run.key for run in lost), *owned])


class _Targets:
    """The targets of live runs, each loaded once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._targets: dict[str | None, Target | None] = {}

    def detect_lost_runs(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that have lost their supervisors, after recording runs without a folder as Failed."""
        found: dict[int, Liveness] = {}
        for name, group in _group_runs(runs, lambda run: run.target).items():
            if (target := self._find_target(name)) is not None:
                found.update(target.get_liveness(group))
        for run in runs:
            if found.get(run.key) is Liveness.FOLDER_GONE:
                _record_missing_folder(self._workspace, run)
        return [run for run in runs if found.get(run.key) is Liveness.LOST]

    def recover_lost_runs(self, runs: Sequence[Run]) -> bool:
        """Ensure that lost runs are recovered; return False if recovery could not be started for some of them."""
        are_started = True
        for group in _group_runs(runs, lambda run: type(self._find_target(run.target))).values():
            target = self._find_target(group[0].target)
            are_started &= target is not None and target.recover(group)
        return are_started

    def _find_target(self, name: str | None) -> Target | None:
        """Return the target with this name, or None, so that its runs are ignored, if its kind is not installed."""
        if name not in self._targets:
            self._targets[name] = None
            with suppress(TargetKindNotFound):
                self._targets[name] = get_target(self._workspace, name)
        return self._targets[name]


def _group_runs(runs: Iterable[Run], key: Callable[[Run], _K]) -> Mapping[_K, Sequence[Run]]:
    groups: dict[_K, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _record_missing_folder(workspace: Workspace, run: Run) -> None:
    message = "The folder of the run has been removed while it had not ended."
    error = build_run_error(message, code=SERVICE_ERROR, reason=EndReason.RUN_FOLDER_REMOVED)
    with workspace.transaction(durable=True):
        workspace.runs.end_runs_of_owner(f"runs/{run.run_id}", RunStatus.FAILED, ended_at=now(), error=error)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.FAILED, ended_at=now(), error=error)


def _is_unrecovered(status: RunStatus | None) -> bool:
    """Return whether a lost run with this status has neither ended nor been queued again."""
    return status is not None and not status.is_terminal and status is not RunStatus.QUEUED
