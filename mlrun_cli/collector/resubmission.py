"""Resubmission of jobs whose submission the target's engine has neither confirmed nor carried out."""

from __future__ import annotations

from contextlib import closing

from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.run_liveness import SubmissionEvidence
from mlrun_cli.core.program_log import write_log
from mlrun_cli.errors import StoredFilesLost, UsageError
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.job_problems import JobProblems
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.finish import build_failure_outcome
from mlrun_cli.runtime.supervisor_start import store_start
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable, convert_shared_folder_errors

_MAX_UNANSWERED = 10
"""How many submissions of a run may get no answer before its job counts as lost."""
_WITHOUT_JOB = {RunStatus.NOT_STARTED, RunStatus.QUEUED}
"""Statuses of a run that may have no job; one that was to follow another run is Queued."""


def read_submission_evidence(folder: RunFolder) -> SubmissionEvidence:
    """Return how the submission of a run went, given that its job is unknown and its submitting process has ended."""
    number = JobProblems.read(folder).unanswered
    if number == 0:
        return SubmissionEvidence.INTERRUPTED
    return SubmissionEvidence.UNANSWERED if number < _MAX_UNANSWERED else SubmissionEvidence.GIVEN_UP


def resubmit_job(target: EngineTarget, jobs: JobPoll, run: Run) -> Outcome | None:
    """Submit a run's job unless it is found now; return the run's outcome if the engine refuses it, else None.

    Returns:
        The outcome of the run if the engine refuses the job, or else None.

    Raises:
        StoreError: the store cannot be used.
        MlrunError: something else is away, which may pass.
    """
    workspace = target.workspace
    with closing(OwnerLock.open(workspace.get_run_folder(run.run_id).lock)) as lock:
        if not lock.try_acquire():
            return None
        current = workspace.runs.get_by_key(run.key)
        if current.status not in _WITHOUT_JOB or target.job_property in current.properties:
            return None
        try:
            if jobs.discover_job_id(current):
                return None
            with convert_shared_folder_errors(target.name, target.shared_folder.path):
                started = target.resubmit(run.run_id)
        except EngineUnavailable:
            jobs.mark_silent()
            jobs.query_soon()  # other runs are not looked at until it answers
            raise
        except (EngineRefused, StoredFilesLost, UsageError) as error:
            return build_failure_outcome(error.message, code=SERVICE_ERROR, reason=error.code)
        store_start(target, current, started)
    is_held = current.status is RunStatus.QUEUED
    reason = "the run that it follows has completed" if is_held else "the engine had no job of its submission"
    write_log(f"{run.run_id} was submitted{'' if is_held else ' again'}, since {reason}")
    return None
