"""A studio of its own for each test that types commands; the others of a file share one, each in its own workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving


@pytest.fixture
def studio(request: pytest.FixtureRequest) -> Iterator[Studio]:
    """Yield a studio with the URLs of the test's workspace."""
    if "mlrun" in request.fixturenames:
        command: Mlrun = request.getfixturevalue("mlrun")
        with serving(command) as served:
            yield served
    else:
        shared: Studio = request.getfixturevalue("shared_studio")
        yield shared.select_workspace(request.getfixturevalue("workspace_folder"))


@pytest.fixture
def make(request: pytest.FixtureRequest) -> RunMaker:
    """Return the creator of runs in the test's workspace."""
    if "mlrun" in request.fixturenames:
        command: Mlrun = request.getfixturevalue("mlrun")
        return RunMaker(command.database.parent)
    folder: Path = request.getfixturevalue("workspace_folder")
    return RunMaker(folder)
