"""Outcomes of runs that were stopped, or failed on a full disk."""

from __future__ import annotations

import pytest

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.finish import add_full_disk_warning, derive_stop_outcome

_RUN = Run(1, "exp_1", "u", 1, "e", "exp", SCRIPT_RUN, RunStatus.RUNNING, 1, "someone", "exp_1", "u")
_SUBMISSION = Submission("exp_1", "exp", "w", "g", "s", "", False, (), EnvironmentPlan("python"), "")


def test_a_run_that_is_canceled_and_shut_down_before_its_script_has_started_is_canceled() -> None:
    run = _RUN._replace(status=RunStatus.CANCEL_REQUESTED)
    outcome = derive_stop_outcome(StopReason.SHUTDOWN, run, _SUBMISSION, None)
    assert (outcome.status, outcome.error) == (RunStatus.CANCELED, None)
    wanted = {"error": {"code": "UserError"}}
    outcome = derive_stop_outcome(StopReason.SHUTDOWN, run._replace(failed_with=wanted), _SUBMISSION, None)
    assert (outcome.status, outcome.error) == (RunStatus.FAILED, wanted)


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1 second ("), (1.5, "1.5 seconds ("), (1209600, "1209600 seconds (")]
)
def test_the_time_limit_is_a_number_of_seconds(seconds: float, text: str) -> None:
    submission = _SUBMISSION._replace(max_run_duration_seconds=seconds)
    error = derive_stop_outcome(StopReason.TIME_LIMIT, _RUN, submission, None).error
    assert error is not None and f"at its time limit of {text}" in error["error"]["message"]


@pytest.mark.parametrize("cause", ["[Errno 28] No space left on device", "The script ended with exit code 1."])
def test_a_full_disk_is_a_sentence_of_its_own_after_the_cause(cause: str) -> None:
    outcome = Outcome(RunStatus.FAILED, 1, error=build_run_error(cause))
    error = add_full_disk_warning(outcome, "the disk of / is full").error
    assert error is not None
    assert error["error"]["message"] == f"{cause.rstrip('.')}. Found when the script ended: the disk of / is full."
