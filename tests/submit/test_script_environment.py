from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mlrun_cli.processes.launch import Launch
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.submit.script_environment import build_script_environment, list_reserved_variables
from mlrun_cli.wire.tracking_uri import (
    build_artifact_uri,
    build_tracking_uri,
    parse_artifact_uri,
    parse_run_uri,
    parse_workspace,
)
from mlrun_cli.workspace_locator import WorkspaceIdentity

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
    return build_script_environment(
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


OF_A_KERNEL = {
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "GIT_PAGER": "cat",
    "JPY_PARENT_PID": "1",
    "JPY_SESSION_NAME": "/a.ipynb",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PAGER": "cat",
    "PYDEVD_USE_FRAME_EVAL": "NO",
    "TERM": "xterm-color",
}


def test_what_a_kernel_made_for_itself_is_not_passed_on(tmp_path: Path) -> None:
    assert not OF_A_KERNEL.keys() & environment_of(tmp_path, OF_A_KERNEL).keys()
    own = {"PAGER": "less", "MPLBACKEND": "agg", "FORCE_COLOR": "3", "TERM": "screen", "COLUMNS": "200"}
    assert environment_of(tmp_path, OF_A_KERNEL | own).items() >= own.items()
    assert environment_of(tmp_path, OF_A_KERNEL, OF_A_KERNEL).items() >= OF_A_KERNEL.items()


def test_what_a_user_has_set_outside_of_notebooks_is_passed_on(tmp_path: Path) -> None:
    own = {"PAGER": "cat", "FORCE_COLOR": "1", "CLICOLOR": "1", "MPLBACKEND": "module://mine", "LINES": "40"}
    assert environment_of(tmp_path, own).items() >= own.items()


def test_what_a_terminal_of_jupyter_made_for_itself_is_not_passed_on(tmp_path: Path) -> None:
    theirs = {"PYXTERM_DIMENSIONS": "80x25", "COLUMNS": "80", "LINES": "25", "JUPYTER_SERVER_URL": "http://h"}
    assert not theirs.keys() & environment_of(tmp_path, theirs).keys()


def test_what_a_run_sets_is_known_as_that(tmp_path: Path) -> None:
    can_be_set_too = {"PYTHONPATH", "PYTHONUNBUFFERED", *OF_MLFLOW}
    assert environment_of(tmp_path, {}).keys() - can_be_set_too <= list_reserved_variables(Launch())


OF_MLFLOW = ("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI")


def test_mlflow_finds_the_run_unless_the_user_has_chosen_another_store(tmp_path: Path) -> None:
    found = environment_of(tmp_path, {})
    uri = found["MLFLOW_TRACKING_URI"]
    assert parse_workspace(uri) == ("s", "g", "w")
    assert [found[name] for name in OF_MLFLOW] == ["e", "exp", "mine", uri]

    outer = {"MLRUN_RUN_ID": "outer", "MLFLOW_EXPERIMENT_ID": "o", "MLFLOW_RUN_ID": "outer"}
    for before in ({**outer, "MLFLOW_TRACKING_URI": build_tracking_uri(("s", "g", "outer"))}, outer):
        assert [environment_of(tmp_path, before)[name] for name in OF_MLFLOW] == ["e", "exp", "mine", uri]

    own = {"MLFLOW_TRACKING_URI": "file:mine", "MLFLOW_EXPERIMENT_NAME": "mine"}
    for submitter, variables in ((own, {}), ({}, own)):
        found = environment_of(tmp_path, submitter, variables)
        assert {name: found[name] for name in OF_MLFLOW if name in found} == own
    assert "MLFLOW_RUN_ID" not in environment_of(tmp_path, {**outer, "MLFLOW_TRACKING_URI": "file:mine"})


@pytest.mark.parametrize("names", [("s", "g", "w"), ("a b", "ü/ö", "w?#%"), ("00000000-0000", "default", ".w")])
def test_the_names_of_a_workspace_come_back_from_its_uri(names: tuple[str, str, str]) -> None:
    uri = build_tracking_uri(names)
    assert uri.isascii() and " " not in uri
    assert parse_workspace(uri) == names
    files = build_artifact_uri(names, "e", "run ü/1")
    assert parse_workspace(f"{files}/a/b") == names
    assert [parse_artifact_uri(files), parse_artifact_uri(f"{files}/a/b c")] == [("run ü/1", ""), ("run ü/1", "a/b c")]
    above = files.rpartition("/")[0]
    assert [parse_run_uri(uri) for uri in (above, f"{above}/", files)] == [
        ("run ü/1", ""),
        ("run ü/1", ""),
        ("run ü/1", "artifacts"),
    ]
    for without_files in (above, uri):
        with pytest.raises(ValueError, match="names no"):
            parse_artifact_uri(without_files)
    for other in ("file:a", "azureml://x", f"{uri}/experiments/e"):
        with pytest.raises(ValueError, match="address"):
            parse_workspace(other)
