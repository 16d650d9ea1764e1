"""Outcomes of runs that were stopped."""

from __future__ import annotations

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.finish import derive_stop_outcome


def test_a_run_that_is_canceled_and_shut_down_before_its_script_has_started_is_canceled() -> None:
    status = RunStatus.CANCEL_REQUESTED
    run = Run(1, "exp_1", "u", 1, "e", "exp", SCRIPT_RUN, status, 1, "someone", "exp_1", "u")
    submission = Submission("exp_1", "exp", "w", "g", "s", "", False, (), EnvironmentPlan("python"), "")
    outcome = derive_stop_outcome(StopReason.SHUTDOWN, run, submission, None)
    assert (outcome.status, outcome.error) == (RunStatus.CANCELED, None)
    wanted = {"error": {"code": "UserError"}}
    outcome = derive_stop_outcome(StopReason.SHUTDOWN, run._replace(failed_with=wanted), submission, None)
    assert (outcome.status, outcome.error) == (RunStatus.FAILED, wanted)
