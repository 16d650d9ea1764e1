"""The current use of live runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.actions.live_runs import list_live_runs
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.runs.resources import CurrentUse, Resources, write_resources
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.mark.parametrize(
    ("status", "age_seconds", "is_current"),
    [(RunStatus.RUNNING, 1, True), (RunStatus.RUNNING, 60, False), (RunStatus.FINALIZING, 1, False)],
)
def test_only_a_fresh_measurement_of_a_running_script_is_its_use(
    tmp_path: Path, status: RunStatus, age_seconds: int, *, is_current: bool
) -> None:
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, create=True, redactor=Redactor()) as workspace:
        with workspace.transaction():
            experiment, number = workspace.experiments.reserve_run_numbers("exp")
            workspace.runs.insert(experiment, number, "exp_1", status=status, run_type=SCRIPT_RUN, user_name="someone")
        folder = workspace.get_run_folder("exp_1")
        folder.journal.mkdir(parents=True)
        write_resources(folder, Resources(), CurrentUse(now() - age_seconds * 1_000_000, 50.0, 1, 1))
        (record,) = list_live_runs(workspace)
    assert ("cpu_percent" in record) is is_current
