"""A workspace with runs of all kinds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mlrun_cli.workspace import Workspace
from tests.actions.run_samples import RUNS, add_run, open_workspace


@pytest.fixture(scope="package")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with open_workspace(tmp_path_factory.mktemp("home")) as opened:
        chance = random.Random(1)
        for _ in range(RUNS):
            add_run(opened, chance)
        yield opened
