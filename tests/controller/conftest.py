from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.pipeline_world import PipelineWorld
from tests.controller.sweep_world import SweepWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    """Return a workspace with a script; at the end, its processes are ended."""
    found = SweepWorld(tmp_path)
    yield found
    found.close()


@pytest.fixture
def pipelines(tmp_path: Path) -> Iterator[PipelineWorld]:
    """Return a workspace with the script `step.py`; at the end, its processes are ended."""
    found = PipelineWorld(tmp_path)
    yield found
    found.close()
