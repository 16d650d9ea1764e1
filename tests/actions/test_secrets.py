"""What is said of a workspace and what is in it is shown without the secrets in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.compute_targets import create_compute_target, get_compute_target
from mlrun_cli.actions.datasets import save_dataset, update_dataset
from mlrun_cli.actions.interactive_runs import create_interactive_run
from mlrun_cli.actions.models import ModelChanges, register_model, update_model
from mlrun_cli.actions.runs import add_properties
from mlrun_cli.actions.workspaces import describe_workspace, update_workspace
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import UsageError
from mlrun_cli.models.model import NewModel
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

PAIRS, HIDDEN = {"api_key": "hunterEzz"}, {"api_key": "***"}
TEXT, SHOWN = "https://u:hunterEzz@h/", "https://***@h/"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


def test_of_a_workspace_a_target_and_a_dataset(workspace: Workspace) -> None:
    update_workspace(workspace, description=TEXT, friendly_name=TEXT, tags=PAIRS)
    said = describe_workspace(workspace)
    assert (said["description"], said["friendlyName"], said["tags"]) == (SHOWN, SHOWN, HIDDEN)

    target = create_compute_target(workspace, "t", "AmlCompute", properties={}, description=TEXT, tags=PAIRS)
    assert target == get_compute_target(workspace, "t")
    assert (target.description, target.tags) == (SHOWN, HIDDEN)

    kept = save_dataset(workspace, {"kind": "file", "paths": [{"path": "/a"}]})
    described = update_dataset(workspace, kept.dataset_id, TEXT, dict(PAIRS))
    assert (described.description, described.tags) == (SHOWN, HIDDEN)


def test_a_property_that_holds_one_may_be_said_again(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("m", encoding="utf-8")
    model = register_model(workspace, NewModel(name="m", properties=PAIRS), tmp_path / "m")
    assert update_model(workspace, model, ModelChanges(properties=PAIRS)).properties == HIDDEN

    run = create_interactive_run(workspace, "e", "sessions/x", properties=PAIRS)
    add_properties(workspace, run, PAIRS)
    add_properties(workspace, run, {"at": "here"})
    with pytest.raises(UsageError) as error:
        add_properties(workspace, run, {"at": TEXT})
    assert f"'{run.run_id}'" in error.value.message and f"'{SHOWN}'" in error.value.message
