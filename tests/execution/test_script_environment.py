from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mlrun_cli.domain.launch import Launch
from mlrun_cli.execution.script_environment import names_set_by_run, script_environment
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


def environment_of(
    tmp_path: Path, submitter: Mapping[str, str], variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    return script_environment(
        submitter,
        variables or {},
        identity=WorkspaceIdentity("s", "g", "w"),
        home=tmp_path,
        sdk_folder=tmp_path / "sdk" / "1",
        run_id="mine",
        run_number=2,
        folder=RunFolder(tmp_path / "mine"),
        experiment_name="exp",
        experiment_id="e",
    )


@pytest.mark.parametrize("place", ["submitter", "runconfig"])
def test_what_tells_of_another_run_is_not_passed_on(tmp_path: Path, place: str) -> None:
    variables = {**OF_A_RUN, "LR": "1"}
    environment = environment_of(tmp_path, *(({}, variables) if place == "runconfig" else (variables,)))

    assert environment["LR"] == "1"
    assert {name: environment.get(name) for name in OF_A_RUN} == {
        "MLRUN_SUPERVISOR_OF": None,
        "MLRUN_RUN_ID": "mine",
        "MLRUN_RUN_FOLDER": str(tmp_path / "mine"),
        "MLRUN_RUN_NUMBER": "2",
        "PWD": str(tmp_path / "mine" / "work"),
        "OLDPWD": None,
    }


def test_what_a_run_sets_is_known_as_that(tmp_path: Path) -> None:
    can_be_set_too = {"PYTHONPATH", "PYTHONUNBUFFERED"}
    assert environment_of(tmp_path, {}).keys() - can_be_set_too <= names_set_by_run(Launch())
