from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.endurance.engine_kills import campaign
from tests.endurance.engines import open_pool


@pytest.mark.kill
def test_no_round_of_kills_on_an_engine_leaves_anything_wrong(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    with open_pool(tmp_path) as engine:
        findings = campaign(engine, range(20), seed)
    assert findings == [], f"python -m tests.endurance.engine_kills --rounds 20 --seed {seed}"
