"""The check of whether the runs of a target are alive, which weighs their evidence and waits before one is lost."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.resubmission import read_submission_evidence
from mlrun_cli.collector.run_liveness import (
    SETTLE_SECONDS,
    EngineEvidence,
    HeartbeatEvidence,
    OutcomeEvidence,
    RunLiveness,
    SubmissionEvidence,
    determine_liveness,
)
from mlrun_cli.collector.sent_stops import SentStops
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.starting_job import find_starting_job
from mlrun_cli.targets.engine import EngineTarget

_LATE_SECONDS = 10.0
"""How long an engine that answers again may take to accept the jobs that were submitted while it was stalled."""
_SUBMIT_SECONDS = 60.0
"""The time after a submission within which the engine knows the job, if it has accepted it."""


class LivenessCheck:
    """The check of the live runs of a target, which remembers since when each seems to be lost."""

    def __init__(self, target: EngineTarget, jobs: JobPoll, stops: SentStops, reload: Callable[[Run], Run]) -> None:
        """Create a check without runs.

        Args:
            target: the target of the runs.
            jobs: what the engine last said of their jobs.
            stops: the stops that were sent to them.
            reload: reads a run from the store again.
        """
        self._target = target
        self._workspace = target.workspace
        self._shared_folder = target.shared_folder
        self._jobs = jobs
        self._stops = stops
        self._reload = reload
        self._lost_since: dict[int, float] = {}
        """The monotonic time since which a run seems to be lost, by run key."""

    def determine(
        self, run: Run, collected: CollectedRun | None, evidence: EngineEvidence, monotonic_time: float
    ) -> RunLiveness:
        """Return the liveness of a run; ALIVE while what its supervisor wrote last may still arrive.

        Args:
            run: the run, as it is stored.
            collected: the run as it is collected, if it is.
            evidence: the state of its job.
            monotonic_time: the time of this look.
        """
        outcome = OutcomeEvidence.NONE if collected is None else collected.outcome_evidence
        liveness = determine_liveness(evidence, HeartbeatEvidence.NONE, outcome)
        if collected is not None and liveness is RunLiveness.ENDED and outcome is OutcomeEvidence.INTERRUPTED:
            collected.refresh()  # a later start of the job may be hidden by this machine's cache
            liveness = determine_liveness(evidence, HeartbeatEvidence.NONE, collected.outcome_evidence)
        if liveness is RunLiveness.LOST:
            return self._recheck(run, collected, evidence, monotonic_time)
        self.forget(run)
        may_stay_queued = not self._target.cancels_queued_jobs and (collected is None or not collected.has_started)
        is_left = may_stay_queued and self._stops.is_left_in_queue(run, evidence)
        return RunLiveness.LOST if is_left and liveness is RunLiveness.ALIVE else liveness

    def _recheck(
        self, run: Run, collected: CollectedRun | None, evidence: EngineEvidence, monotonic_time: float
    ) -> RunLiveness:
        """Return the liveness of a seemingly lost run, after a wait, from everything that its supervisor wrote.

        During the wait, the run is alive: without a known job id, the engine may still accept an unanswered submission.
        The time during which the engine is stalled does not count.
        While the shared folder is unavailable, no run is lost.
        """
        since = max(self._lost_since.setdefault(run.key, monotonic_time), self._jobs.prompt_since)
        patience = SETTLE_SECONDS
        if not self._jobs.has_job_id(run):
            if self._jobs.is_being_submitted(run) or self._jobs.has_job_id(self._reload(run)):
                self.forget(run)
                return RunLiveness.ALIVE
            patience = max(_LATE_SECONDS, _SUBMIT_SECONDS - max(0, now() - run.created_at) / MICROSECONDS)
        elif collected is None or not collected.has_started:
            patience = 0.0 if evidence is EngineEvidence.ENDED else SETTLE_SECONDS
        if monotonic_time < since + patience or not self._shared_folder.is_available():
            return RunLiveness.ALIVE
        if collected is None:
            return RunLiveness.LOST
        collected.refresh()
        started_by = find_starting_job(collected.shared)
        if started_by is not None and not self._jobs.is_job_of(run, started_by):
            self._jobs.record_job_id(run, started_by)  # another job has ended, since this one has started the run
            return RunLiveness.ALIVE
        return determine_liveness(evidence, collected.get_heartbeat_evidence(), collected.outcome_evidence)

    def get_submission_evidence(self, run: Run, collected: CollectedRun | None) -> SubmissionEvidence:
        """Return the evidence of a run's submission; a stopped run counts as one that has had a job."""
        has_started = collected is not None and collected.has_started
        if has_started or self._jobs.has_job_id(run) or self._stops.was_stop_sent(run):
            return SubmissionEvidence.ANSWERED
        return read_submission_evidence(self._workspace.get_run_folder(run.run_id))

    def forget(self, run: Run) -> None:
        """Forget that a run seems to be lost: its wait begins anew, should it seem so again."""
        self._lost_since.pop(run.key, None)
