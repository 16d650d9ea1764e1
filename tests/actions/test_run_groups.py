from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.run_groups import parse_group_names, read_groups
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.parameters import Parameter
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, create=True, redactor=Redactor()) as opened:
        yield opened


def add_run(workspace: Workspace, lr: str | None, team: str | None) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        columns = {"status": RunStatus.COMPLETED, "run_type": SCRIPT_RUN, "user_name": "someone"}
        key = workspace.runs.insert(experiment, number, f"exp_{number}", **columns)
        workspace.parameters.set(key, {} if lr is None else {"lr": Parameter.from_text(lr)})
        workspace.runs.set_tags(key, {} if team is None else {"team": team})
    return workspace.runs.get_by_key(key)


def test_runs_are_grouped_by_parameters_tags_and_fields(workspace: Workspace) -> None:
    runs = [add_run(workspace, *values) for values in (("0.1", "a"), ("1e-1", "a"), ("10", None), (None, "a"))]
    metrics = {runs[0].key: {"rmse": 1.0}, runs[1].key: {"rmse": 2.0}}
    groups = read_groups(workspace, runs, parse_group_names("lr,tag.team,status"), metrics, ["mean"])
    assert [(group.values, group.metrics) for group in groups] == [
        ({"lr": 0.1, "tag.team": "a", "status": "Completed"}, {"rmse": {"mean": 1.5}}),
        ({"lr": 10, "tag.team": None, "status": "Completed"}, {}),
        ({"lr": None, "tag.team": "a", "status": "Completed"}, {}),
    ]


@pytest.mark.parametrize("name", ["created", "metric.rmse", "max(rmse)", "lr,"])
def test_runs_are_not_grouped_by_times_and_metrics(name: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_group_names(name)
