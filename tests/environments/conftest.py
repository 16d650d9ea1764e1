"""Fixtures of the tests that build environments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mlrun_cli.environments.environment import Builder
from mlrun_cli.environments.installer_search import find_uv
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.environments.builds import SlowPackage, Start, begin_build, end, plan


@pytest.fixture(params=[Builder.UV, Builder.PIP], ids=lambda builder: builder.value)
def builder(request: pytest.FixtureRequest) -> Builder:
    chosen: Builder = request.param
    if chosen is Builder.UV and find_uv(os.environ) is None:
        pytest.skip("uv is not installed")
    return chosen


@pytest.fixture
def quick_builder() -> Builder:
    """The one that is there and quicker, where both differ in nothing but time."""
    return Builder.PIP if find_uv(os.environ) is None else Builder.UV


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "user").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", str(Path("~/.pyenv").expanduser())),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_NO_CACHE_DIR": "1",
    }


@pytest.fixture
def start(tmp_path: Path, environ: dict[str, str]) -> Iterator[Start]:
    """Begins builds; those of a test that has failed are ended, lest what they leave open fails another."""
    with ExitStack() as begun:

        def begin(planned: PlannedEnvironment) -> subprocess.Popen[str]:
            process = begun.enter_context(begin_build(tmp_path, planned, environ))
            begun.callback(end, process)
            return process

        yield begin


@pytest.fixture
def slow(tmp_path: Path) -> SlowPackage:
    return SlowPackage(tmp_path)


@pytest.fixture
def slow_plan(tmp_path: Path, quick_builder: Builder, environ: dict[str, str], slow: SlowPackage) -> PlannedEnvironment:
    """The plan of an environment with the package `slow` alone."""
    assert slow.gate.exists()
    return plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")


@pytest.fixture
def environ_with_one_python(tmp_path: Path) -> dict[str, str]:
    """A PATH with one `python`, and a home without pyenv."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    return {"PATH": str(folder), "HOME": str(tmp_path)}
