from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.endurance.pipeline_kills import campaign


@pytest.mark.kill
def test_a_pipeline_of_which_anything_is_killed_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    played = campaign(tmp_path, 8, 12, seed)
    assert not played.faults, f"python -m tests.endurance.pipeline_kills --steps 8 --kills 12 --seed {seed}"
