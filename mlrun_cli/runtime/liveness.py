"""Liveness of runs: stored statuses are reconciled with the machine before they are displayed."""

from __future__ import annotations

import os

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

UNFINISHED = "unfinished"
"""The folder with a file for each target whose collector has not stored all that ended runs have logged."""
_FOLDERS = ("sessions", "submits", UNFINISHED)
"""Folders whose entries belong to processes that may have died."""


def reconcile(workspace: Workspace) -> frozenset[int]:
    """Reconcile all runs and start missing background processes; return the keys of runs that do not respond.

    A workspace that another host uses is left to that host.

    Raises:
        StoreUnavailable: the workspace is unavailable.
    """
    workspace.reopen_if_replaced()
    if workspace.is_used_elsewhere:
        return frozenset()
    if _has_entries(workspace.folder / "schedules"):
        from mlrun_cli.runtime.schedule_keepers import ensure_schedule_keeper  # noqa: PLC0415 - as a rule, there are none

        ensure_schedule_keeper(workspace)
    if _has_nothing_to_reconcile(workspace):
        return frozenset()
    from mlrun_cli.runtime.reconciliation import reconcile_all  # noqa: PLC0415 - as a rule, all runs have ended

    return reconcile_all(workspace)


def replace_status_if_not_responding(run: Run, not_responding_keys: frozenset[int]) -> Run:
    """Return a run with the status NotResponding for display if its key is in `not_responding_keys`, else unchanged."""
    return run._replace(status=RunStatus.NOT_RESPONDING) if run.key in not_responding_keys else run


def _has_nothing_to_reconcile(workspace: Workspace) -> bool:
    """Return whether there are neither live runs nor files of sessions, unfinished submissions or collectors."""
    return not any(_has_entries(workspace.folder / name) for name in _FOLDERS) and not workspace.runs.has_live_runs()


def _has_entries(folder: os.PathLike[str]) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # reconciliation reports the problem
