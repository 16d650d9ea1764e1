from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.endurance.engine_kills import campaign
from tests.endurance.engines import open_pool
from tests.engines.network_home import find_obstacle


@pytest.mark.kill
@pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))
def test_no_round_of_kills_on_an_engine_leaves_anything_wrong(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    with open_pool(tmp_path, cut_seconds=[1.0]) as engine:
        findings = campaign(engine, range(6), seed)
    assert findings == [], f"python -m tests.endurance.engine_kills --rounds 6 --seed {seed}"
