"""One workspace and one studio for all tests of a file, which only query their own runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import Mlrun
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """Return the command with a workspace."""
    command = Mlrun(tmp_path_factory.mktemp("one"))
    yield command
    command.close()


@pytest.fixture(scope="module")
def studio(mlrun: Mlrun) -> Iterator[Studio]:
    """Yield a studio over the home."""
    with serving(mlrun) as served:
        yield served


@pytest.fixture(scope="module")
def make(mlrun: Mlrun) -> RunMaker:
    """Return the creator of runs in the studio's workspace."""
    return RunMaker(mlrun.database.parent)
