from __future__ import annotations

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.error import EndReason, build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import RetryPolicy, parse_retry_conditions
from mlrun_cli.runs.status import RunStatus

EXIT = Outcome(RunStatus.FAILED, 1, exit_code=75)
KILLED = Outcome(RunStatus.FAILED, 1, signal="SIGKILL")
LOST = Outcome(RunStatus.FAILED, 1, error=build_run_error("", reason=EndReason.MACHINE_RESTARTED))
STOPPED = Outcome(RunStatus.FAILED, 1, signal="SIGTERM", error=build_run_error("", reason=EndReason.SUPERVISOR_STOPPED))
NOT_STARTED = Outcome(RunStatus.FAILED, 1, error=build_run_error("", reason="EnvironmentNotBuilt"))
CANCELED = Outcome(RunStatus.CANCELED, 1, signal="SIGTERM")
SAID = Outcome(RunStatus.FAILED, 1, exit_code=0)


@pytest.mark.parametrize(
    ("conditions", "allowed"),
    [
        ("exit,signal,reboot", [EXIT, KILLED, LOST, STOPPED]),
        ("exit:75", [EXIT]),
        ("exit:7,exit:255", []),
        ("signal", [KILLED]),
        ("reboot,exit:75", [EXIT, LOST, STOPPED]),
    ],
)
def test_a_script_is_started_again_after_the_given_ends(conditions: str, allowed: list[Outcome]) -> None:
    policy = RetryPolicy(2, parse_retry_conditions(conditions))
    outcomes = [EXIT, KILLED, LOST, STOPPED, NOT_STARTED, CANCELED, SAID]

    assert [outcome for outcome in outcomes if policy.allows(outcome, 1)] == allowed
    assert not any(policy.allows(outcome, 2) for outcome in outcomes)
    assert RetryPolicy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize("text", ["", "exit:", "exit:1000", "exit:256", "exit:0", "exit:075", "oom", "signal:9"])
def test_other_ends_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_retry_conditions(text)
