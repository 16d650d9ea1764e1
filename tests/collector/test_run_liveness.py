"""The liveness on a run on a node, for each combination of what the three sources say."""

from __future__ import annotations

from itertools import product

import pytest

from mlrun_cli.collector.run_liveness import (
    EngineEvidence,
    HeartbeatEvidence,
    OutcomeEvidence,
    RunLiveness,
    SubmissionEvidence,
    determine_liveness,
    must_resubmit,
)
from mlrun_cli.runs.status import RunStatus

ALIVE, ENDED, LOST = RunLiveness.ALIVE, RunLiveness.ENDED, RunLiveness.LOST

OUTCOMES = (OutcomeEvidence.NONE, OutcomeEvidence.INTERRUPTED, OutcomeEvidence.FINAL)
TABLE = {
    # Outcome:                                                none     interrupted  final
    (EngineEvidence.QUEUED, HeartbeatEvidence.NONE): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.QUEUED, HeartbeatEvidence.FRESH): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.QUEUED, HeartbeatEvidence.STALE): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.RUNNING, HeartbeatEvidence.NONE): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.RUNNING, HeartbeatEvidence.FRESH): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.RUNNING, HeartbeatEvidence.STALE): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.ENDED, HeartbeatEvidence.NONE): (LOST, ENDED, ENDED),
    (EngineEvidence.ENDED, HeartbeatEvidence.FRESH): (ALIVE, ENDED, ENDED),
    (EngineEvidence.ENDED, HeartbeatEvidence.STALE): (LOST, ENDED, ENDED),
    (EngineEvidence.MISSING, HeartbeatEvidence.NONE): (LOST, ENDED, ENDED),
    (EngineEvidence.MISSING, HeartbeatEvidence.FRESH): (ALIVE, ENDED, ENDED),
    (EngineEvidence.MISSING, HeartbeatEvidence.STALE): (LOST, ENDED, ENDED),
    (EngineEvidence.SILENT, HeartbeatEvidence.NONE): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.SILENT, HeartbeatEvidence.FRESH): (ALIVE, ALIVE, ENDED),
    (EngineEvidence.SILENT, HeartbeatEvidence.STALE): (ALIVE, ALIVE, ENDED),
}


def test_every_combination_is_in_the_table() -> None:
    assert set(TABLE) == set(product(EngineEvidence, HeartbeatEvidence))


@pytest.mark.parametrize(("engine", "heartbeat"), TABLE)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_run_liveness(engine: EngineEvidence, heartbeat: HeartbeatEvidence, outcome: OutcomeEvidence) -> None:
    assert determine_liveness(engine, heartbeat, outcome) is TABLE[engine, heartbeat][OUTCOMES.index(outcome)]


@pytest.mark.parametrize("liveness", RunLiveness)
@pytest.mark.parametrize("submission", SubmissionEvidence)
@pytest.mark.parametrize("status", [status for status in RunStatus if not status.is_terminal])
def test_only_an_unanswered_submission_of_a_lost_run_is_repeated(
    liveness: RunLiveness, submission: SubmissionEvidence, status: RunStatus
) -> None:
    is_repeated = must_resubmit(liveness, submission, status)
    assert is_repeated == (
        (liveness, submission, status) == (LOST, SubmissionEvidence.UNANSWERED, RunStatus.NOT_STARTED)
    )
