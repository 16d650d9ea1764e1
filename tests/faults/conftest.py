from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.queues import WORK, make_target
from tests.faults.wheels import build_wheel
from tests.running import Mlrun
from tests.sharing import make_once


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this project."""
    (built,) = make_once(tmp_path_factory, "wheel", build_wheel).glob("*.whl")
    return built


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.fixture
def order(mlrun: Mlrun) -> Path:
    """The file in which the runs write down that they have started."""
    make_target(mlrun, "cpu-cluster", 2)
    mlrun.script(WORK)
    path = mlrun.folder.parent / "order"
    path.touch()
    mlrun.environment["ORDER"] = str(path)
    return path
