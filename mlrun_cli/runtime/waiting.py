"""Reasons why live runs wait for their turn in a queue, an engine that does not answer, or disk space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing, suppress

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.runs.job_problems import find_unanswered_submission
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.controllers import ControllerFolder
from mlrun_cli.runtime.queue import QueueReport
from mlrun_cli.workspace import Workspace


def find_wait_reasons(workspace: Workspace, runs: Iterable[Run]) -> Mapping[int, str | None]:
    """Return the one-line reason why each run waits, keyed by run key; None for a run that does not wait."""
    report = QueueReport(workspace)
    full = describe_full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
    return {run.key: _find_wait_reason(workspace, run, report, full) for run in runs}


def _find_wait_reason(workspace: Workspace, run: Run, report: QueueReport, full_disk: str | None) -> str | None:
    if run.controller is not None and not run.status.is_terminal:
        return ControllerFolder(workspace.get_run_folder(run.run_id)).read_problem() or None
    if run.status is RunStatus.NOT_STARTED:
        problems = find_unanswered_submission(workspace.get_run_folder(run.run_id))
        if problems is not None and problems.submission:
            return f"its job on '{run.target}', which cannot be submitted again now: {problems.submission}"
        if problems is not None:
            return f"the engine of '{run.target}', which has not answered; the job is submitted again once it does"
    return (
        report.describe_wait(run)
        if run.status is RunStatus.QUEUED
        else find_disk_wait_reason(workspace, run, full_disk)
    )


def find_disk_wait_reason(workspace: Workspace, run: Run, full_disk: str | None) -> str | None:
    """Return the reason why a run waits for disk space, or None if it does not; `full_disk` describes a full disk."""
    if full_disk is None or run.status.is_terminal:
        return None
    if run.controller is not None:
        return f"room on its disk: {full_disk}"
    with suppress(OSError), closing(OwnerLock.open(workspace.get_run_folder(run.run_id).lock)) as lock:
        if lock.is_waiting_for_space():
            return f"room on its disk: {full_disk}"
    return None
