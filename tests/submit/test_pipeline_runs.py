"""The runs of published pipelines."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.pipelines.published import ACTIVE, PublishedPipeline
from mlrun_cli.pipelines.run_types import PIPELINE_ID_PROPERTY, PIPELINE_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.pipeline_runs import list_pipeline_runs
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


def add_run(workspace: Workspace, pipeline_id: str) -> str:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        columns = {"run_type": PIPELINE_RUN, "user_name": "someone", "target": "local", "status": RunStatus.COMPLETED}
        key = workspace.runs.insert(experiment, number, f"exp_{number}", **columns)
        workspace.runs.add_properties(key, {PIPELINE_ID_PROPERTY: pipeline_id})
    return f"exp_{number}"


def test_the_last_runs_of_a_pipeline_are_its_newest(tmp_path: Path) -> None:
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, redactor=Redactor(), create=True) as workspace:
        pipeline = PublishedPipeline(generate_guid(), "cars", None, None, ACTIVE, True, 1, "someone", 1)
        workspace.published_pipelines.add(pipeline)
        runs = [add_run(workspace, pipeline.pipeline_id) for _ in range(3)]
        add_run(workspace, generate_guid())
        listed = [run.run_id for run in list_pipeline_runs(workspace, pipeline.pipeline_id)]
        last = [run.run_id for run in list_pipeline_runs(workspace, pipeline.pipeline_id, limit=2)]
    assert listed == runs[::-1]
    assert last == listed[:2]
