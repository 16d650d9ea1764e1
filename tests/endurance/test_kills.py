from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endurance.kills import campaign
from tests.running import Mlrun


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.mark.kill
def test_no_round_of_kills_leaves_a_wrong_status_a_lost_or_doubled_value_a_process_or_secrets(mlrun: Mlrun) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    assert campaign(mlrun, range(100), seed) == [], f"python -m tests.endurance.kills --rounds 100 --seed {seed}"
