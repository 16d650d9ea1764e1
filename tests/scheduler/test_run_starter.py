"""Queued runs that their dispatcher cannot start."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.processes.gpu_allocator import GpuAllocator
from mlrun_cli.runs.error import EndReason
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import find_inner_error_code
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.scheduler.run_starter import RunStarter
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


def test_a_run_without_a_folder_fails_although_what_it_was_to_follow_has_failed(tmp_path: Path) -> None:
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, create=True, redactor=Redactor()) as workspace:
        keys = [0]
        for status in (RunStatus.FAILED, RunStatus.QUEUED):
            with workspace.transaction():
                experiment, number = workspace.experiments.reserve_run_numbers("exp")
                columns: dict[str, object] = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local"}
                columns |= {"predecessor_key": keys[-1]} if keys[-1] else {}
                keys.append(workspace.runs.insert(experiment, number, f"exp_{number}", status=status, **columns))
        shutil.rmtree(workspace.get_run_folder("exp_2").path, ignore_errors=True)
        RunStarter(workspace, "local", GpuAllocator(), None).cancel_unstartable_runs()
        run = workspace.runs.get_by_key(keys[-1])
        assert run.status is RunStatus.FAILED
        assert (
            find_inner_error_code(Outcome(run.status, 0, error=dict(run.error or {}))) == EndReason.RUN_FOLDER_REMOVED
        )
