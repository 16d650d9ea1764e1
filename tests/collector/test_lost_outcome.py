"""The outcome of a run whose supervisor recorded none, by the end of its job."""

from __future__ import annotations

import pytest

from mlrun_cli.collector.lost_outcome import derive_interruption_outcome, derive_lost_outcome
from mlrun_cli.collector.run_liveness import EngineEvidence
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import Job, JobEnd, JobState

ENDS = {
    JobEnd.EXITED: (RunStatus.FAILED, "ServiceError", "SupervisorDied"),
    JobEnd.CANCELED: (RunStatus.CANCELED, "ServiceError", "JobCanceled"),
    JobEnd.TIMED_OUT: (RunStatus.CANCELED, "UserError", "TimeLimitReached"),
    JobEnd.OUT_OF_MEMORY: (RunStatus.FAILED, "UserError", "OutOfMemory"),
    JobEnd.PREEMPTED: (RunStatus.FAILED, "ServiceError", "JobPreempted"),
    JobEnd.NODE_LOST: (RunStatus.FAILED, "ServiceError", "NodeLost"),
    JobEnd.NEVER_STARTED: (RunStatus.FAILED, "ServiceError", "JobNotStarted"),
}
STARTED_ENDS = [end for end in JobEnd if end is not JobEnd.REMOVED]


def make_run(status: RunStatus) -> Run:
    return Run(1, "exp_1", "u", 1, "e", "exp", SCRIPT_RUN, status, 1, "someone", "exp_1", "u", started_at=2)


def make_job(end: JobEnd) -> Job:
    return Job(JobState.ENDED, end=end, words="ENGINE SAYS 7")


def read(outcome: Outcome) -> tuple[RunStatus, str, str]:
    assert outcome.error is not None
    error = outcome.error["error"]
    assert "ENGINE SAYS 7" in error["message"]
    return outcome.status, error["code"], error["innerError"]["code"]


@pytest.mark.parametrize("end", STARTED_ENDS)
def test_each_end_of_a_job_has_its_status_and_reason(end: JobEnd) -> None:
    assert read(derive_lost_outcome(make_run(RunStatus.RUNNING), make_job(end))) == ENDS[end]


@pytest.mark.parametrize("end", JobEnd)
def test_a_run_that_was_to_be_canceled_is_canceled(end: JobEnd) -> None:
    outcome = derive_lost_outcome(make_run(RunStatus.CANCEL_REQUESTED), make_job(end))
    assert (outcome.status, outcome.error) == (RunStatus.CANCELED, None)


def test_a_job_that_the_engine_does_not_know_fails_its_run() -> None:
    outcome = derive_lost_outcome(make_run(RunStatus.RUNNING), None)
    assert outcome.error is not None
    assert (outcome.status, outcome.error["error"]["innerError"]["code"]) == (RunStatus.FAILED, "JobLost")


def test_a_job_that_was_removed_was_canceled_if_it_had_not_started() -> None:
    job, told = make_job(JobEnd.REMOVED), Outcome(RunStatus.FAILED, 5, error={"error": {"code": "ServiceError"}})
    waiting = derive_lost_outcome(make_run(RunStatus.QUEUED), job)
    assert read(waiting) == (RunStatus.CANCELED, "ServiceError", "JobCanceled")
    started = make_run(RunStatus.RUNNING)
    lost, forgotten = derive_lost_outcome(started, job), derive_lost_outcome(started, None)
    assert (lost.status, lost.error) == (forgotten.status, forgotten.error)
    assert derive_interruption_outcome(started, told, job) == told
    assert EngineEvidence.from_job(job) is EngineEvidence.MISSING


@pytest.mark.parametrize("end", [end for end in STARTED_ENDS if end is not JobEnd.EXITED])
def test_an_interruption_is_explained_by_the_engine(end: JobEnd) -> None:
    told = Outcome(RunStatus.FAILED, 5, 1.5, error={"error": {"code": "ServiceError"}}, warnings=("w",))
    outcome = derive_interruption_outcome(make_run(RunStatus.RUNNING), told, make_job(end))
    assert read(outcome) == ENDS[end]
    assert (outcome.ended_at, outcome.duration_seconds, outcome.warnings) == (5, 1.5, ("w",))


def test_an_interruption_that_the_engine_does_not_explain_stays_as_it_is() -> None:
    told = Outcome(RunStatus.FAILED, 5, error={"error": {"code": "ServiceError"}})
    assert derive_interruption_outcome(make_run(RunStatus.RUNNING), told, make_job(JobEnd.EXITED)) == told


@pytest.mark.parametrize("end", JobEnd)
def test_a_script_that_had_ended_with_0_before_its_job_has_not_failed(end: JobEnd) -> None:
    outcome = derive_interruption_outcome(make_run(RunStatus.RUNNING), Outcome(RunStatus.COMPLETED, 5), make_job(end))
    is_ended_by_user = end in {JobEnd.CANCELED, JobEnd.TIMED_OUT}
    assert outcome.status is (RunStatus.CANCELED if is_ended_by_user else RunStatus.COMPLETED)


def test_a_script_that_ends_with_0_when_its_job_is_told_to_end_has_not_failed_unless_it_says_so() -> None:
    told = Outcome(RunStatus.FAILED, 5, exit_code=0, error={"error": {"code": "ServiceError"}})
    run = make_run(RunStatus.RUNNING)
    outcome = derive_interruption_outcome(run, told, make_job(JobEnd.EXITED))
    assert (outcome.status, outcome.error) == (RunStatus.COMPLETED, None)
    assert derive_interruption_outcome(run, told, make_job(JobEnd.NODE_LOST)).status is RunStatus.FAILED
    unhappy = run._replace(wanted_status=RunStatus.FAILED)
    assert derive_interruption_outcome(unhappy, told, make_job(JobEnd.EXITED)) == told
