"""Environments of a day, really built by uv from an index that says when its packages were uploaded."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.build_report import build_environment_document
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.environment import BasePython
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.installer_search import find_uv
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import EnvironmentNotBuilt
from tests.packages import build_environment, make_wheel, package_index

VERSION = ".".join(map(str, sys.version_info[:3]))
UPLOADED = {
    "tiny-1.0-py3-none-any.whl": "2019-05-01T10:00:00Z",
    "tiny-1.1-py3-none-any.whl": "2020-06-01T22:00:00Z",
    "tiny-2.0-py3-none-any.whl": "2020-06-02T01:00:00Z",
    "small-1.0-py3-none-any.whl": "2019-01-01T10:00:00Z",
    "small-3.0-py3-none-any.whl": "2023-01-01T10:00:00Z",
}

pytestmark = pytest.mark.skipif(find_uv(os.environ) is None, reason="uv is not installed")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A PATH with one `python`."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    return {
        "PATH": str(folder),
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
    }


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    for file in UPLOADED:
        make_wheel(tmp_path / "served", *file.split("-")[:2])
    with package_index(tmp_path / "served", uploaded=UPLOADED) as address:
        yield f"http://{address}/simple/"


def plan(
    tmp_path: Path, environ: dict[str, str], *pip: str, choice: str = "dated:2020-06-01", python: str = VERSION
) -> PlannedEnvironment:
    path = tmp_path / "conda.yml"
    path.write_text(json.dumps({"dependencies": [f"python={python}", {"pip": list(pip)}]}), encoding="utf-8")
    dependencies = read_conda_dependencies(path)
    return plan_conda_environment(
        dependencies,
        home=tmp_path / "home",
        environ=environ,
        environment_choice=EnvironmentChoice.parse_and_check(choice),
    )


def test_what_is_not_pinned_is_of_the_day_and_what_is_pinned_keeps_its_pin(
    tmp_path: Path, environ: dict[str, str], index: str
) -> None:
    planned = plan(tmp_path, environ, f"-i {index}", "tiny", "small==3.0")
    assert planned.plan.build is not None
    assert f" 2020-06-01 (as named), on Python {VERSION}" in planned.notes[0]

    folder, log = build_environment(tmp_path, planned, environ)

    described = folder.find_environment()
    assert described is not None, log
    assert described.installed == ("small==3.0", "tiny==1.1")
    record = build_environment_document(described, planned.plan.build)
    assert (record["day"], record["day_source"], record["loosened"]) == ("2020-06-01", "as named", [])
    assert "as it was on 2020-06-01 (as named)" in log


def test_another_day_is_another_environment_and_the_same_from_elsewhere_is_not(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    os.utime(tmp_path, (0, 0))
    named = plan(tmp_path, environ, "tiny").plan.build
    other = plan(tmp_path, environ, "tiny", choice="dated:2020-06-02").plan.build
    pinned = plan(tmp_path, environ, "tiny", choice="pinned").plan.build
    assert named is not None
    assert other is not None
    assert pinned is not None
    assert len({named.key, other.key, pinned.key}) == 3
    path = tmp_path / "conda.yml"
    os.utime(path, (1_591_000_000, 1_591_000_000))
    of_file = plan_conda_environment(
        read_conda_dependencies(path),
        home=tmp_path / "home",
        environ=environ,
        environment_choice=EnvironmentChoice.parse_and_check("dated"),
    ).plan.build
    assert of_file is not None
    assert (of_file.day, of_file.day_source) == ("2020-06-01", f"the time of {path}")
    assert of_file.key == named.key


def test_an_index_that_does_not_say_when_is_named_as_the_cause(tmp_path: Path, environ: dict[str, str]) -> None:
    make_wheel(tmp_path / "served", "tiny", "1.0")
    with package_index(tmp_path / "served") as address:
        folder, log = build_environment(
            tmp_path, plan(tmp_path, environ, f"-i http://{address}/simple/", "tiny"), environ
        )
    assert not folder.is_complete()
    assert "uploaded" in extract_failure_reason(log)


def test_the_python_is_the_nearest_on_which_all_that_is_pinned_can_be_had(
    tmp_path: Path, environ: dict[str, str], index: str
) -> None:
    """The nearest to 3.5 cannot be used at all; the next can."""
    broken = tmp_path / "path" / "python3.6"
    broken.write_text(f"#!/bin/sh\n[ $1 = -I ] && echo '[\"{broken}\", [3, 6, 1]]'\n", encoding="utf-8")
    broken.chmod(0o755)
    planned = plan(tmp_path, environ, f"-i {index}", "tiny==1.0", "small", python="3.5")
    assert planned.plan.build is not None
    assert planned.plan.build.pythons[0] == BasePython(str(broken), "3.6.1", True)

    folder, log = build_environment(tmp_path, planned, environ)

    described = folder.find_environment()
    assert described is not None, log
    assert (described.other_python, described.python_version) == (VERSION, VERSION)
    assert described.installed == ("small==1.0", "tiny==1.0")


def test_conda_on_path_does_not_make_what_is_of_a_day(tmp_path: Path, environ: dict[str, str]) -> None:
    conda = tmp_path / "path" / "conda"
    conda.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    conda.chmod(0o755)
    planned = plan(tmp_path, environ, "tiny")
    assert planned.plan.build is not None
    assert planned.plan.build.builder.value == "uv"
    assert "PyPI" in planned.notes[0] and "conda" in planned.notes[0]


def test_an_option_that_uv_lacks_is_refused_by_name(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(EnvironmentNotBuilt, match=r"conda\.yml: '--pre' "):
        plan(tmp_path, environ, "--pre", "tiny")
