"""The properties of a run from git, with the answers of azureml-core 1.61 for the same work trees."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.snapshots.git import read_git_properties

Git = Callable[..., str]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


@pytest.fixture
def tree(tmp_path: Path, environ: dict[str, str]) -> Path:
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.py", "sub/b.py"):
        (folder / name).write_text("1")
    git = make_git(folder, environ)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return folder


def make_git(folder: Path, environ: dict[str, str]) -> Git:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words]
        return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout

    return git


def read(folder: Path, environ: dict[str, str], **more: str) -> dict[str, str]:
    return read_git_properties(folder, environ | more, Redactor())


def test_an_untracked_file_makes_a_work_tree_dirty_and_an_ignored_one_does_not(
    tree: Path, environ: dict[str, str]
) -> None:
    assert read(tree, environ)["azureml.git.dirty"] == "False"
    (tree / "new.txt").touch()
    assert read(tree, environ)["azureml.git.dirty"] == "True"
    (tree / ".git/info/exclude").write_text("new.txt\n")
    assert read(tree, environ)["azureml.git.dirty"] == "False"


def test_only_the_source_folder_makes_its_work_tree_dirty(tree: Path, environ: dict[str, str]) -> None:
    (tree / "new.txt").touch()
    (tree / "a.py").write_text("2")
    assert read(tree / "sub", environ)["azureml.git.dirty"] == "False"
    (tree / "sub/b.py").write_text("2")
    assert read(tree / "sub", environ)["azureml.git.dirty"] == "True"


def test_a_detached_head_has_no_branch_and_no_remote_no_address(tree: Path, environ: dict[str, str]) -> None:
    commit = make_git(tree, environ)("rev-parse", "HEAD").strip()
    make_git(tree, environ)("checkout", "-q", "--detach")
    assert read(tree, environ) == {
        "azureml.git.commit": commit,
        "azureml.git.dirty": "False",
        "mlflow.source.git.commit": commit,
    }


def test_a_branch_without_commits_has_a_name(tmp_path: Path, environ: dict[str, str]) -> None:
    make_git(tmp_path, environ)("init", "-q", "-b", "main", "tree")
    assert read(tmp_path / "tree", environ) == {
        "azureml.git.branch": "main",
        "azureml.git.dirty": "False",
        "mlflow.source.git.branch": "main",
    }


def test_the_address_is_that_of_the_branchs_remote_without_its_password(tree: Path, environ: dict[str, str]) -> None:
    git = make_git(tree, environ)
    git("remote", "add", "upstream", "https://me:hunter2@example.com/x.git")
    git("config", "branch.main.remote", "upstream")
    found = read(tree, environ)
    assert found["azureml.git.repository_uri"] == "https://***@example.com/x.git"
    assert found["mlflow.source.git.repoURL"] == "https://***@example.com/x.git"


def test_variables_of_a_pipeline_take_precedence_over_git(tree: Path, environ: dict[str, str]) -> None:
    commit = make_git(tree, environ)("rev-parse", "HEAD").strip()
    given = {"AZUREML_GIT_BRANCH": " topic ", "AZUREML_GIT_DIRTY": "TRUE", "AZUREML_GIT_BUILD_ID": "17"}
    assert read(tree, environ, **given) == {
        "azureml.git.branch": "topic",
        "azureml.git.build_id": "17",
        "azureml.git.commit": commit,
        "azureml.git.dirty": "True",
        "mlflow.source.git.branch": "topic",
        "mlflow.source.git.commit": commit,
    }


def test_variables_hold_without_a_work_tree(tmp_path: Path, environ: dict[str, str]) -> None:
    assert read(tmp_path, environ, AZUREML_GIT_DIRTY="no", AZUREML_GIT_BRANCH="") == {"azureml.git.dirty": "False"}
    assert read(tmp_path, environ) == {}


@pytest.mark.parametrize(("hanging", "names"), [("*", set()), ("*ls-remote*", {"branch", "commit", "dirty"})])
def test_a_git_that_does_not_answer_is_not_waited_for_nor_are_its_children(
    tree: Path, tmp_path: Path, environ: dict[str, str], hanging: str, names: set[str]
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
        case "$*" in {hanging}) ;; *) PATH='{environ["PATH"]}' exec git "$@" ;; esac
        sleep 1000 &
        echo $! > {tmp_path}/$$.child
        wait
        """,
        encoding="utf-8",
    )
    program.chmod(0o755)
    try:
        found = read(tree, environ, PATH=f"{program.parent}:{environ['PATH']}")
    finally:
        for child in tmp_path.glob("*.child"):
            os.kill(int(child.read_text(encoding="utf-8")), signal.SIGKILL)
    assert {name.removeprefix("azureml.git.") for name in found if name.startswith("azureml.")} == names
