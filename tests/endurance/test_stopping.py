from __future__ import annotations

import random
from pathlib import Path

from tests.endurance.stopping import Campaign, print_looks
from tests.running import Mlrun

_ROUNDS = 5


def test_whatever_is_stopped_whenever_looks_answer(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    mlrun = Mlrun(tmp_path)
    try:
        campaign = Campaign(mlrun, seed)
        for _ in range(_ROUNDS):
            campaign.round()
    finally:
        mlrun.close()

    print_looks(campaign)
    assert [look for look in campaign.looks if not look.is_good] == []
