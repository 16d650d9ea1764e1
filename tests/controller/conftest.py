from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.sweep_world import SweepWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    """Return a workspace with a script; at the end, its processes are ended."""
    found = SweepWorld(tmp_path)
    yield found
    found.close()
