"""The outcome of a run whose supervisor could not record it, derived from the engine's report on its job."""

from __future__ import annotations

from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.error import SERVICE_ERROR, USER_ERROR, EndReason, build_run_error
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import Job, JobEnd

_WITHOUT_JOB = "The engine of the compute target knows no job of the run"

_TEXTS = {
    JobEnd.EXITED: ("The job ended before its supervisor had recorded an outcome", EndReason.SUPERVISOR_DIED),
    JobEnd.CANCELED: ("The job was canceled in the engine of the compute target", EndReason.JOB_CANCELED),
    JobEnd.TIMED_OUT: ("The job was stopped at the time limit of its engine", EndReason.TIME_LIMIT_REACHED),
    JobEnd.OUT_OF_MEMORY: ("The job used more memory than it was given", EndReason.OUT_OF_MEMORY),
    JobEnd.PREEMPTED: ("The job was preempted by another job", EndReason.JOB_PREEMPTED),
    JobEnd.NODE_LOST: ("The node of the job failed", EndReason.NODE_LOST),
    JobEnd.NEVER_STARTED: ("The engine could not start the job", EndReason.JOB_NOT_STARTED),
    JobEnd.REMOVED: ("The job was canceled in the engine of the compute target", EndReason.JOB_CANCELED),
}
_CANCELED = {JobEnd.CANCELED, JobEnd.REMOVED, JobEnd.TIMED_OUT}
_WAITING = {RunStatus.NOT_STARTED, RunStatus.QUEUED}
_BY_USER = {JobEnd.TIMED_OUT, JobEnd.OUT_OF_MEMORY}


def derive_lost_outcome(run: Run, job: Job | None) -> Outcome:
    """Return the outcome of a lost run, derived from its ended job, or from None if the engine knows no job."""
    ended_at = now()
    duration = None if run.started_at is None else max(0, ended_at - run.started_at) / MICROSECONDS
    if run.status is RunStatus.CANCEL_REQUESTED:
        error = None if run.failed_with is None else dict(run.failed_with)
        return Outcome(RunStatus.CANCELED if error is None else RunStatus.FAILED, ended_at, duration, error=error)
    end = _get_job_end(run, job)
    if job is None or end is None:
        error = build_run_error(f"{_WITHOUT_JOB}.", code=SERVICE_ERROR, reason=EndReason.JOB_LOST)
        return Outcome(RunStatus.FAILED, ended_at, duration, error=error)
    text, reason = _TEXTS[end]
    words = f" ({job.words})" if job.words else ""
    code = USER_ERROR if end in _BY_USER else SERVICE_ERROR
    status = RunStatus.CANCELED if end in _CANCELED else RunStatus.FAILED
    return Outcome(status, ended_at, duration, error=build_run_error(f"{text}{words}.", code=code, reason=reason))


def derive_interruption_outcome(run: Run, outcome: Outcome, job: Job | None) -> Outcome:
    """Return the outcome of an interrupted run, adjusted to the reason why its job ended, if that is known.

    A script that has done its work, while that was on its way, has not failed.
    """
    if run.status is not RunStatus.CANCEL_REQUESTED:
        end = _get_job_end(run, job)
        if end not in _CANCELED and outcome.status is RunStatus.COMPLETED:
            return outcome
        if end in {None, JobEnd.EXITED}:
            is_done = outcome.exit_code == 0 and run.wanted_status is not RunStatus.FAILED
            return outcome._replace(status=RunStatus.COMPLETED, error=None) if is_done else outcome
    told = derive_lost_outcome(run, job)
    return outcome._replace(status=told.status, error=told.error)


def _get_job_end(run: Run, job: Job | None) -> JobEnd | None:
    """Return how a run's job has ended, or None if the engine does not tell.

    That a job is not known any more says how it has ended only if it had not started.
    """
    if job is None or (job.end is JobEnd.REMOVED and run.status not in _WAITING):
        return None
    return job.end
