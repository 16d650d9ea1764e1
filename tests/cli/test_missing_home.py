"""Commands in a home, or a workspace, that does not exist."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

_READING = [
    ("run", "list"),
    ("run", "list", "-t", "result.json"),
    ("run", "show", "-r", "@latest"),
    ("run", "metrics", "-r", "x"),
    ("run", "cancel", "-r", "x"),
    ("run", "download", "-r", "x", "-d", "there"),
    ("experiment", "list"),
    ("workspace", "show"),
    ("workspace", "prune", "--older-than", "3d"),
    ("queue", "list"),
    ("computetarget", "list"),
    ("model", "list"),
    ("datastore", "list"),
    ("pipeline", "list"),
    ("notify", "list"),
    ("studio", "--no-browser", "--port", "0"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the config.json that a colleague has committed."""
    folder = tmp_path / "folder"
    (folder / ".azureml").mkdir(parents=True)
    names = {"subscription_id": "1", "resource_group": "group", "workspace_name": "alpha"}
    (folder / ".azureml/config.json").write_text(json.dumps(names))
    return folder


def run_mlrun(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(folder), "MLRUN_HOME": str(folder.parent / "misspelt")}
    environ = os.environ | home | variables
    return subprocess.run(["mlrun", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", _READING, ids=" ".join)
def test_a_command_that_only_reads_creates_no_home_and_names_the_missing_one(
    folder: Path, words: tuple[str, ...]
) -> None:
    done = run_mlrun(folder, *words)
    assert done.returncode == 3 and done.stdout == ""
    assert "'alpha'" in done.stderr and str(folder.parent / "misspelt") in done.stderr and "MLRUN_HOME" in done.stderr
    assert os.listdir(folder.parent) == ["folder"]


def test_a_home_without_the_workspace_of_the_folder_stays_as_it_is(folder: Path) -> None:
    (folder.parent / "misspelt").mkdir()
    done = run_mlrun(folder, "run", "list")
    assert done.returncode == 3 and "workspace list" in done.stderr
    assert os.listdir(folder.parent / "misspelt") == []


def test_a_list_of_no_workspaces_names_the_missing_home(folder: Path) -> None:
    done = run_mlrun(folder, "workspace", "list")
    assert (done.returncode, done.stdout) == (0, "[]\n") and str(folder.parent / "misspelt") in done.stderr
    assert os.listdir(folder.parent) == ["folder"]


def test_the_studio_does_not_start_without_a_home(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = run_mlrun(tmp_path / "folder", "studio", "--no-browser", "--port", "0")
    assert done.returncode == 3 and str(tmp_path / "misspelt") in done.stderr and "MLRUN_HOME" in done.stderr
    assert os.listdir(tmp_path) == ["folder"]


def test_a_runconfig_can_be_checked_before_there_is_a_workspace(folder: Path) -> None:
    (folder / "train.py").touch()
    (folder / "train.runconfig").write_text("script: train.py\ntarget: local\n")
    assert run_mlrun(folder, "runconfig", "validate", "train").returncode == 0
    assert run_mlrun(folder, "runconfig", "validate", "-w", "alpha", "train").returncode == 3
    assert os.listdir(folder.parent) == ["folder"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "submit-script", "-e", "first", "train.py"),
        ("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "2"),
    ],
    ids=" ".join,
)
def test_a_command_that_adds_something_creates_the_workspace(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "train.py").touch()
    assert run_mlrun(folder, *words).returncode == 0
    assert (folder.parent / "misspelt/workspaces").is_dir()


_TRAINING = "script: train.py\ntarget: local\noutputData:\n  model:\n    outputLocation: {}\n"
_PIPELINE = "pipeline: {name: p, steps: {A: {type: PythonScriptStep, script_name: train.py, source_directory: .}}}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("submit-script", "--dry-run", "-e", "first", "train.py"),
        ("submit-script", "--dry-run", "-e", "first", "-c", "train"),
        ("submit-pipeline", "--dry-run", "-e", "first", "-y", "pipeline.yml"),
        ("sweep", "--dry-run", "-e", "first", "--grid", "lr=1,2", "--minimize", "loss", "train.py"),
    ],
    ids=" ".join,
)
def test_a_dry_run_says_what_would_run_and_creates_nothing(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "train.py").touch()
    (folder / "train.runconfig").write_text(_TRAINING)
    (folder / "pipeline.yml").write_text(_PIPELINE)
    (folder / "temporary").mkdir()
    (folder / ".amlignore").write_text("temporary\n")
    done = run_mlrun(folder, "run", *words, TMPDIR=str(folder / "temporary"))
    assert (done.returncode, os.listdir(folder / "temporary")) == (0, []), done.stderr
    assert "train.py" in done.stdout and str(folder / "temporary") not in done.stdout
    assert os.listdir(folder.parent) == ["folder"]


def test_a_dry_run_in_a_missing_home_refuses_what_a_submit_would_refuse(folder: Path) -> None:
    (folder / "train.py").touch()
    (folder / "temporary").mkdir()
    words = ("run", "submit-script", "--dry-run", "-e", "first", "--ct", "nowhere", "train.py")
    done = run_mlrun(folder, *words, TMPDIR=str(folder / "temporary"))
    assert done.returncode == 3 and "'nowhere'" in done.stderr
    assert os.listdir(folder / "temporary") == [] and os.listdir(folder.parent) == ["folder"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "list"),
        ("run", "submit-script", "train.py"),
        ("workspace", "list"),
        ("folder", "attach", "-w", "other"),
        ("environment", "list", "--built"),
        ("environment", "prune", "--older-than", "3d"),
        ("studio", "--port", "0"),
    ],
)
def test_a_home_that_is_a_file_is_said_to_be_one(folder: Path, words: tuple[str, ...]) -> None:
    home = folder / "train.py"
    home.touch()
    done = run_mlrun(folder, *words, MLRUN_HOME=str(home))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{home} is a file" in done.stderr and "MLRUN_HOME" in done.stderr
