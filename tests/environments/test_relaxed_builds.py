"""Environments whose pinned versions cannot be had: what is named, left open, or taken on another Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlrun_cli.environments.build_report import list_build_warnings
from mlrun_cli.environments.environment import Builder
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.interpreters import Interpreter, list_interpreters
from mlrun_cli.environments.mode import EnvironmentMode
from tests.environments.builds import SlowPackage, build, folder_of, plan, version_inside
from tests.packages import make_wheel


@pytest.fixture
def only_python(tmp_path: Path, environ: dict[str, str]) -> None:
    """No Python is found but this one, which spares a search on all others."""
    folder = tmp_path / "pythons"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    environ |= {"PATH": f"{folder}{os.pathsep}/usr/bin", "PYENV_ROOT": str(tmp_path)}


@pytest.mark.usefixtures("only_python")
def test_relaxed_leaves_open_what_cannot_be_had_and_keeps_the_rest(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    for name, version in (("tiny", "1.2"), ("tiny", "1.3"), ("small", "2.0"), ("small", "2.1")):
        make_wheel(tmp_path / "wheels", name, version)
    lines = ["--no-index", "--find-links ./wheels", "tiny==0.9", "small==2.0"]
    assert build(tmp_path, plan(tmp_path, quick_builder, environ, *lines), environ)[0] != 0
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED)

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    assert version_inside(planned.plan, "tiny") == "1.3"
    assert version_inside(planned.plan, "small") == "2.0"
    assert "the version is left open of tiny==0.9." in log
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("tiny==0.9",)
    assert described.python_version == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.usefixtures("only_python")
def test_what_cannot_be_had_is_named_at_the_end_of_the_log_and_left_open_when_relaxed(
    tmp_path: Path, builder: Builder, environ: dict[str, str]
) -> None:
    for name, version in (("tiny", "1.2"), ("tiny", "1.3"), ("small", "2.0")):
        make_wheel(tmp_path / "wheels", name, version)
    options = ["--no-index", "--find-links ./wheels"]
    pinned = plan(tmp_path, builder, environ, *options, "tiny==1.2", "small==0.9")
    code, log = build(tmp_path, pinned, environ)
    assert code != 0
    assert "small==0.9" in "".join(log.splitlines()[-3:])
    assert not folder_of(pinned).is_complete()
    assert not folder_of(pinned).path.exists()

    lines = [*options, "small==0.9", "tiny==1.2", "tiny==1.3"]
    planned = plan(tmp_path, builder, environ, *lines, mode=EnvironmentMode.RELAXED)
    code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    assert version_inside(planned.plan, "small") == "2.0"
    assert version_inside(planned.plan, "tiny") == "1.2"
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("small==0.9", "tiny==1.3")


@pytest.fixture
def other_python(tmp_path: Path, environ: dict[str, str]) -> Interpreter:
    """A Python of another minor version than this one; these two alone are found."""
    others = [one for one in list_interpreters(environ) if one.version[:2] not in {sys.version_info[:2], (3, 6)}]
    if not others:
        pytest.skip("there is no other Python")
    folder = tmp_path / "pythons"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / "python{}.{}".format(*others[0].version)).symlink_to(others[0].path)
    environ |= {"PATH": f"{folder}{os.pathsep}/usr/bin", "PYENV_ROOT": str(tmp_path)}
    return others[0]


@pytest.mark.parametrize(("builder", "unknown"), [(Builder.UV, False), (Builder.UV, True), (Builder.PIP, False)])
def test_relaxed_takes_the_python_on_which_the_most_that_is_pinned_can_be_had(
    tmp_path: Path, builder: Builder, unknown: bool, environ: dict[str, str], other_python: Interpreter
) -> None:
    limit = "=={}.{}.*".format(*other_python.version)
    make_wheel(tmp_path / "wheels", "tiny", "1.2", requires_python=limit)
    for version in ("2.0", "2.1"):
        make_wheel(tmp_path / "wheels", "small", version)
    lines = ["--no-index", "--find-links ./wheels", "tiny==1.2", "small==2.0", *(["small==9"] if unknown else [])]
    planned = plan(tmp_path, builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="")
    assert planned.plan.build is not None
    assert planned.plan.build.pythons[0].version == ".".join(map(str, sys.version_info[:3]))

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    described = folder_of(planned).find_environment()
    assert described is not None
    loosened = ("small==9",) if unknown else ()
    assert (described.other_python, described.unpinned) == (other_python.version_text, loosened)
    assert list_build_warnings(described)[0].endswith(f" Python {other_python.version_text}.")
    assert (version_inside(planned.plan, "tiny"), version_inside(planned.plan, "small")) == ("1.2", "2.0")


def test_an_index_that_is_not_reached_is_not_looked_for_again_on_every_python(
    tmp_path: Path, environ: dict[str, str], quick_builder: Builder
) -> None:
    environ |= {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}
    lines = ["-i http://127.0.0.1:9/simple", "tiny==1.2"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="")
    code, log = build(tmp_path, planned, environ)
    assert code != 0
    assert "Looking whether" not in log
    assert "onnection refused" in extract_failure_reason(log)


@pytest.mark.usefixtures("only_python")
def test_relaxed_to_another_python_builds_no_version_that_was_chosen_for_the_one_asked_for(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    SlowPackage(tmp_path).gate.unlink()
    make_wheel(tmp_path / "wheels", "slow", "1.1")
    lines = ["--no-index", "--find-links ./wheels", "slow==1.0"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="3.11.99")

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    assert version_inside(planned.plan, "slow") == "1.1"
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("slow==1.0",)


@pytest.mark.usefixtures("only_python")
def test_relaxed_does_not_leave_out_a_name_that_cannot_be_had(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    make_wheel(tmp_path / "wheels", "tiny", "1.2")
    lines = ["--no-index", "--find-links ./wheels", "tiny==1.2", "no-such-package==9"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED)
    code, log = build(tmp_path, planned, environ)
    assert code != 0
    assert "no-such-package" in "".join(log.splitlines()[-3:])
