"""The verdict on a run on a node, for each combination of what the three witnesses say."""

from __future__ import annotations

from itertools import product

import pytest

from mlrun_cli.collector.verdict import EngineWitness, HeartbeatWitness, OutcomeWitness, Verdict, judge

GOES_ON, ENDED, LOST = Verdict.GOES_ON, Verdict.HAS_ENDED, Verdict.IS_LOST

OUTCOMES = (OutcomeWitness.NONE, OutcomeWitness.INTERRUPTED, OutcomeWitness.FINAL)
TABLE = {
    # Outcome:                                                none     interrupted  final
    (EngineWitness.QUEUED, HeartbeatWitness.NONE): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.QUEUED, HeartbeatWitness.FRESH): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.QUEUED, HeartbeatWitness.STALE): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.RUNNING, HeartbeatWitness.NONE): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.RUNNING, HeartbeatWitness.FRESH): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.RUNNING, HeartbeatWitness.STALE): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.ENDED, HeartbeatWitness.NONE): (LOST, ENDED, ENDED),
    (EngineWitness.ENDED, HeartbeatWitness.FRESH): (GOES_ON, ENDED, ENDED),
    (EngineWitness.ENDED, HeartbeatWitness.STALE): (LOST, ENDED, ENDED),
    (EngineWitness.MISSING, HeartbeatWitness.NONE): (LOST, ENDED, ENDED),
    (EngineWitness.MISSING, HeartbeatWitness.FRESH): (GOES_ON, ENDED, ENDED),
    (EngineWitness.MISSING, HeartbeatWitness.STALE): (LOST, ENDED, ENDED),
    (EngineWitness.SILENT, HeartbeatWitness.NONE): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.SILENT, HeartbeatWitness.FRESH): (GOES_ON, GOES_ON, ENDED),
    (EngineWitness.SILENT, HeartbeatWitness.STALE): (GOES_ON, GOES_ON, ENDED),
}


def test_every_combination_is_in_the_table() -> None:
    assert set(TABLE) == set(product(EngineWitness, HeartbeatWitness))


@pytest.mark.parametrize(("engine", "heartbeat"), TABLE)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_verdict(engine: EngineWitness, heartbeat: HeartbeatWitness, outcome: OutcomeWitness) -> None:
    assert judge(engine, heartbeat, outcome) is TABLE[engine, heartbeat][OUTCOMES.index(outcome)]
