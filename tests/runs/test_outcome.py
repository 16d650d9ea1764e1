from __future__ import annotations

import json

from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.status import RunStatus

OUTCOME = Outcome(RunStatus.FAILED, 5, 1.5, exit_code=3, error=build_run_error("why"), warnings=("a", "b"))


def test_an_outcome_is_read_as_it_was_written() -> None:
    assert Outcome.from_json(json.loads(json.dumps(OUTCOME.to_json()))) == OUTCOME


def test_keys_of_another_version_are_left_out() -> None:
    assert Outcome.from_json(OUTCOME.to_json() | {"peak_memory": 1}) == OUTCOME
