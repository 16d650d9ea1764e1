from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endurance.kills import campaign, network_campaign
from tests.engines.network_home import find_obstacle, start_hosts
from tests.running import Mlrun


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.mark.kill
def test_no_round_of_kills_leaves_a_wrong_status_a_lost_or_doubled_value_a_process_or_secrets(mlrun: Mlrun) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    assert campaign(mlrun, range(60), seed) == [], f"python -m tests.endurance.kills --rounds 60 --seed {seed}"


@pytest.mark.kill
def test_no_round_of_kills_on_two_hosts_with_a_home_on_a_network_file_system_leaves_a_fault(tmp_path: Path) -> None:
    reason = find_obstacle()
    if reason is not None:
        pytest.skip(reason)
    seed = random.SystemRandom().randrange(1 << 32)
    with start_hosts(tmp_path, "login1", "login2") as hosts:
        found = network_campaign(hosts, range(12), seed)
    assert found == [], f"python -m tests.endurance.kills --network --rounds 12 --seed {seed}"
