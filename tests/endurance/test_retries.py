from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endurance.retries import campaign
from tests.running import Mlrun


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.mark.kill
def test_a_run_with_retries_completes_whatever_is_killed_and_has_each_step_once(mlrun: Mlrun) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    assert campaign(mlrun, range(6), seed) == [], f"python -m tests.endurance.retries --rounds 6 --seed {seed}"
