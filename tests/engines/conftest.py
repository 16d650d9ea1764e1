from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.pool import KINDS, PoolEngine
from tests.installation import make_installation


@pytest.fixture(scope="session")
def pool_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts folder of an environment with mlrun-cli and the kind `pool`."""
    module = Path(__file__).with_name("pool_target.py")
    return make_installation(tmp_path_factory.mktemp("pool") / "venv", module, KINDS)


@pytest.fixture
def pool(tmp_path: Path, pool_installation: Path) -> Iterator[PoolEngine]:
    """Return an engine with a target `pool` in the workspace of a command."""
    engine = PoolEngine(tmp_path, pool_installation)
    yield engine
    engine.close()
