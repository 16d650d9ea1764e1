from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.execution.script_environment import script_environment
from mlrun_cli.files.run_folder import RunFolder
from mlrun_cli.workspace import WorkspaceIdentity

OF_A_RUN = {
    "MLRUN_SUPERVISOR_OF": "other",
    "MLRUN_RUN_ID": "other",
    "MLRUN_RUN_FOLDER": "/other",
    "MLRUN_RUN_NUMBER": "9",
    "PWD": "/other",
    "OLDPWD": "/other",
}


@pytest.mark.parametrize("place", ["submitter", "runconfig"])
def test_what_tells_of_another_run_is_not_passed_on(tmp_path: Path, place: str) -> None:
    variables = {**OF_A_RUN, "LR": "1"}
    environment = script_environment(
        variables if place == "submitter" else {},
        variables if place == "runconfig" else {},
        identity=WorkspaceIdentity("s", "g", "w"),
        home=tmp_path,
        sdk_folder=tmp_path / "sdk" / "1",
        run_id="mine",
        run_number=2,
        folder=RunFolder(tmp_path / "mine"),
        experiment_name="exp",
        experiment_id="e",
    )

    assert environment["LR"] == "1"
    assert {name: environment.get(name) for name in OF_A_RUN} == {
        "MLRUN_SUPERVISOR_OF": None,
        "MLRUN_RUN_ID": "mine",
        "MLRUN_RUN_FOLDER": str(tmp_path / "mine"),
        "MLRUN_RUN_NUMBER": "2",
        "PWD": str(tmp_path / "mine" / "work"),
        "OLDPWD": None,
    }
