from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controller.sweep_world import SweepWorld
from tests.endurance.sweep_kills import Campaign


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    found = SweepWorld(tmp_path)
    yield found
    found.close()


@pytest.mark.kill
def test_a_sweep_ends_as_if_nothing_had_been_killed(world: SweepWorld) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    wanted = f"python -m tests.endurance.sweep_kills --children 12 --kills 8 --seed {seed}"
    assert Campaign(world, 12, seed).play(8) == [], wanted
