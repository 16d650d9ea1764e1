"""The ends of runs without a supervisor that are notified of."""

from __future__ import annotations

import shlex
from pathlib import Path

from mlrun_cli.actions.run_ends import cancel_run, fail_run
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.notifications.rules import ENDS, Rule, edit_rules
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.run import INTERACTIVE_RUN, SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.running import until


def add_run(workspace: Workspace, status: RunStatus, run_type: str, owner_lock: str | None) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            f"exp_{number}",
            status=status,
            run_type=run_type,
            user_name="someone",
            target="local",
            owner_lock=owner_lock,
        )
    run = workspace.runs.get_by_key(key)
    workspace.run_folder(run.run_id).path.mkdir(parents=True, exist_ok=True)
    return run


def test_runs_without_a_supervisor_that_are_canceled_or_fail_are_notified_of(tmp_path: Path) -> None:
    where = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    told = tmp_path / "told"
    with Workspace.open(where, create=True, redactor=Redactor()) as workspace:
        queued = add_run(workspace, RunStatus.QUEUED, SCRIPT_RUN, None)
        interactive = add_run(workspace, RunStatus.RUNNING, INTERACTIVE_RUN, "sessions/x")
        with edit_rules(workspace.folder) as rules:
            rules.append(Rule(1, f"cmd:sh -c 'echo $0 >> $1' {{run}} {shlex.quote(str(told))}", ENDS))
        assert cancel_run(workspace, interactive, 1.0).status is RunStatus.CANCELED
        assert fail_run(workspace, queued, build_run_error("no")).status is RunStatus.FAILED
        ids = {queued.run_id, interactive.run_id}
        until(lambda: told.exists() and set(told.read_text().split()) == ids)
