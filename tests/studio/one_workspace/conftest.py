"""One workspace and one studio for all tests of a file: each looks at runs of its own, and does no more than ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import Mlrun
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """The command with a workspace."""
    command = Mlrun(tmp_path_factory.mktemp("one"))
    yield command
    command.close()


@pytest.fixture(scope="module")
def studio(mlrun: Mlrun) -> Iterator[Studio]:
    """A studio over its home."""
    with serving(mlrun) as served:
        yield served


@pytest.fixture(scope="module")
def make(mlrun: Mlrun) -> RunMaker:
    """What makes runs in it."""
    return RunMaker(mlrun)
