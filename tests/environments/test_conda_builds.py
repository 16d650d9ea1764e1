"""Environments that a program in the place of conda makes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.environments.builds import build, folder_of

# Writes down what it was told, and what the file said; refuses what REFUSED matches in that.
CONDA = """#!/bin/sh
echo "$@" >> {log}
while [ $# -gt 0 ]; do
    case $1 in -p) prefix=$2;; -f) file=$2;; esac
    shift
done
cat "$file" >> {log}
grep -q '{refused}' "$file" && {{ echo "nothing provides what was asked"; exit 1; }}
mkdir -p "$prefix/bin" && ln -s {python} "$prefix/bin/python"
"""
# Says nothing, and makes nothing.
SILENT_CONDA = """#!/bin/sh
exit {code}
"""


def conda_plan(
    tmp_path: Path,
    environ: dict[str, str],
    content: str,
    *,
    name: str = "conda",
    refused: str = "^$",
    relaxed: bool = False,
) -> PlannedEnvironment:
    """A plan with a stand-in for conda on PATH that refuses files with `refused` in them."""
    program = tmp_path / "conda" / name
    program.parent.mkdir(exist_ok=True)
    text = CONDA.format(log=tmp_path / "conda.log", refused=refused, python=os.path.realpath(sys.executable))
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    environ["PATH"] = f"{program.parent}{os.pathsep}{environ['PATH']}"
    path = tmp_path / "conda.yml"
    path.write_text(content, encoding="utf-8")
    mode = EnvironmentMode.RELAXED if relaxed else EnvironmentMode.PINNED
    return plan_conda_environment(
        read_conda_dependencies(path),
        home=tmp_path / "home",
        environ=environ,
        environment_choice=EnvironmentChoice(mode),
    )


@pytest.mark.parametrize(("name", "words"), [("conda", "env create -p"), ("micromamba", "create -p")])
def test_conda_makes_the_environment_from_a_file_that_is_gone_afterwards(
    tmp_path: Path, environ: dict[str, str], name: str, words: str
) -> None:
    content = "channels: ['https://bob:s3cr3t-word@h/own']\ndependencies: [numpy=1.18, {pip: [tqdm==4.1]}]\n"
    planned = conda_plan(tmp_path, environ, content, name=name, relaxed=False)

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    told = (tmp_path / "conda.log").read_text(encoding="utf-8")
    assert told.startswith(f"{words} {folder_of(planned).venv} -f ")
    document = json.loads(told[told.index("{") :])
    assert document["channels"] == ["https://bob:s3cr3t-word@h/own"]
    assert document["dependencies"] == ["numpy=1.18", "python", "pip", {"pip": ["tqdm==4.1"]}]
    assert folder_of(planned).is_complete()
    assert "s3cr3t-word" not in log
    for path in folder_of(planned).path.rglob("*"):
        assert not path.is_file() or b"s3cr3t-word" not in path.read_bytes(), path
    assert "pip==" in folder_of(planned).installed.read_text(encoding="utf-8")


def test_conda_that_cannot_have_a_version_is_asked_without_it_when_relaxed(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    content = "dependencies: [python=3.6.2, 'conda-forge::numpy=0.1', {pip: [tqdm==4.1]}]\n"
    assert build(tmp_path, conda_plan(tmp_path, environ, content, refused="numpy=0.1", relaxed=False), environ)[0] == 1
    planned = conda_plan(tmp_path, environ, content, refused="numpy=0.1", relaxed=True)
    code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    told = (tmp_path / "conda.log").read_text(encoding="utf-8")
    assert '"python=3.6.2",\n    "conda-forge::numpy",' in told
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("conda-forge::numpy=0.1",)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "Error: conda ended with exit code 3 and printed nothing."),
        (0, "Error: conda has ended well, and there is no {python}."),
    ],
)
def test_conda_that_makes_nothing_and_says_nothing_is_named_with_its_end(
    tmp_path: Path, environ: dict[str, str], code: int, words: str
) -> None:
    planned = conda_plan(tmp_path, environ, "dependencies: [{pip: [six, idna]}]\n")
    (tmp_path / "conda" / "conda").write_text(SILENT_CONDA.format(code=code), encoding="utf-8")
    ended, log = build(tmp_path, planned, environ)
    assert (ended, extract_failure_reason(log)) == (code or 1, words.format(python=folder_of(planned).interpreter))
    assert not folder_of(planned).path.exists()
