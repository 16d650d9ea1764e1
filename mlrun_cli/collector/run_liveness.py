"""The liveness of a run on a node, determined from its engine, its heartbeat and its outcome."""

from __future__ import annotations

from enum import Enum

from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import Job, JobEnd, JobState

SETTLE_SECONDS = 3.0
"""How long what a supervisor wrote last may take to arrive after the end of its job."""


class EngineEvidence(Enum):
    """The state of a run's job according to the engine."""

    QUEUED = JobState.QUEUED.value
    RUNNING = JobState.RUNNING.value
    ENDED = JobState.ENDED.value
    MISSING = "missing"
    """It knows no such job: it has forgotten it, or never had it."""
    SILENT = "silent"
    """It does not answer."""

    @classmethod
    def from_job(cls, job: Job | None) -> EngineEvidence:
        """Return the evidence in the engine's description of a job; MISSING for None and for a job that was removed."""
        return cls.MISSING if job is None or job.end is JobEnd.REMOVED else cls(job.state.value)


class HeartbeatEvidence(Enum):
    """The age of the heartbeat in the shared folder, by the file server's clock."""

    NONE = "none"
    """No supervisor has written one yet."""
    FRESH = "fresh"
    """It was renewed within the last seconds."""
    STALE = "stale"
    """It is older, or the process that wrote it is dead."""


class OutcomeEvidence(Enum):
    """The kind of outcome in the run's events."""

    NONE = "none"
    INTERRUPTED = "interrupted"
    """The supervisor was told to end, and the engine may start the run again."""
    FINAL = "final"


class SubmissionEvidence(Enum):
    """The evidence of whether a run's job was submitted, after its submitter has ended."""

    ANSWERED = "answered"
    """The engine has accepted it: the id of the job is known, or the job has started."""
    UNANSWERED = "unanswered"
    """The engine has not answered it, and may have accepted it or not."""
    GIVEN_UP = "given up"
    """The engine has not answered it, nor all of its repetitions."""
    INTERRUPTED = "interrupted"
    """The submitter has died before it knew."""


class RunLiveness(Enum):
    """The state of a run on a node: it is alive, has ended, or has lost its supervisor."""

    ALIVE = "alive"
    ENDED = "ended"
    """Its outcome is recorded."""
    LOST = "lost"
    """Its supervisor is gone without an outcome: the engine's account of its job becomes the outcome."""


_ENDS = {EngineEvidence.ENDED, EngineEvidence.MISSING}


def determine_liveness(engine: EngineEvidence, heartbeat: HeartbeatEvidence, outcome: OutcomeEvidence) -> RunLiveness:
    """Determine and return the liveness of a run from three sources of evidence that may contradict each other.

    - A final outcome is believed whatever the others say: the engine may be slow to notice, or have forgotten.
    - An interrupted outcome is that of the run once the engine says that the job has ended; until then the engine may
      start the run again.
    - A fresh heartbeat is believed against an engine that calls the job ended: where only a node's daemon has died,
      the supervisor and its script live on, and their outcome will come.
    - A job that the engine calls queued or running is not lost, however old its heartbeat: its node may be stopped, or
      the shared folder away.
    - While the engine is silent nothing is lost.
    """
    if outcome is OutcomeEvidence.FINAL:
        return RunLiveness.ENDED
    if engine not in _ENDS:
        return RunLiveness.ALIVE
    if outcome is OutcomeEvidence.INTERRUPTED:
        return RunLiveness.ENDED
    return RunLiveness.ALIVE if heartbeat is HeartbeatEvidence.FRESH else RunLiveness.LOST


def must_resubmit(liveness: RunLiveness, submission: SubmissionEvidence, status: RunStatus) -> bool:
    """Return whether to submit the job of a lost run again, instead of recording the run's end.

    - Only an engine that answers, and has known no job of the run for longer than it takes to accept a late one, makes
      a run lost. Before it is submitted again, the engine is asked for it by name once more.
    - Where a job is known, or has started, it is never repeated: how it has ended is the end of the run.
    - A submitter that has died before it knew may have been meant to be stopped.
    - What somebody wants to cancel is not started.

    Should the engine accept the first submission after all, the job that starts second does nothing: see
    `runs.starting_job`.
    """
    is_unanswered = submission is SubmissionEvidence.UNANSWERED
    return liveness is RunLiveness.LOST and is_unanswered and status is RunStatus.NOT_STARTED
