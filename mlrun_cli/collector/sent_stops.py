"""The stop messages that the collector sends to supervisors, and when to cancel their jobs as well."""

from __future__ import annotations

import os
import time

from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.run_liveness import EngineEvidence
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.folder import STREAMS
from mlrun_cli.runs.inbox import CancelMessage, StopMessage, send_message
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.shared_folder import find_shared_run_folder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import was_streaming_command_killed
from mlrun_cli.workspace import Workspace

_KILL_SECONDS = 15.0
"""The time after a stop's grace period in which a supervisor ends its run, before the job is canceled."""


class SentStop(NamedTuple):
    """A stop message for the supervisor of a run.

    Attributes:
        reason: the reason.
        since: the monotonic time at which the collector has noticed it.
        kill_at: the monotonic time at which the job is canceled whatever its state.
        was_delivered: whether the message is in the run's inbox.
        job_canceled_at: the monotonic time at which the job was canceled last.
    """

    reason: StopReason
    since: float
    kill_at: float
    was_delivered: bool = False
    job_canceled_at: float = 0.0


class SentStops:
    """The stop messages for the supervisors of a target's live runs."""

    def __init__(self, workspace: Workspace, jobs: JobPoll) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._runs_folder = os.fspath(workspace.folder / "runs")
        self._sent: dict[int, SentStop] = {}
        """The last stop of each run, by run key."""

    def send_if_needed(self, run: Run, now: float) -> None:
        """Ask a run's supervisor to stop if the run is to be canceled or its streaming command was killed."""
        sent = self._sent.get(run.key)
        if run.status is RunStatus.CANCEL_REQUESTED:
            if sent is None or sent.reason is not StopReason.CANCEL:
                self._record_stop(run, StopReason.CANCEL, now, run.cancel_grace_seconds)
        # Most runs have no such command, and a thousand of them may wait.
        elif (
            sent is None
            and os.path.isdir(f"{self._runs_folder}/{run.run_id}/{STREAMS}")
            and was_streaming_command_killed(self._workspace.get_run_folder(run.run_id))
        ):
            self._record_stop(run, StopReason.STREAM_LOST, now)
        if run.key in self._sent and not self._sent[run.key].was_delivered:
            self._deliver(run)

    def was_stop_sent(self, run: Run) -> bool:
        """Return whether there is a stop message for a run, even if it has not been delivered yet."""
        return run.key in self._sent

    def was_stop_sent_for(self, run: Run, reason: StopReason) -> bool:
        """Return whether there is a stop message for a run, and the last one has this reason."""
        return run.key in self._sent and self._sent[run.key].reason is reason

    def is_left_in_queue(self, run: Run, evidence: EngineEvidence) -> bool:
        """Return whether the target's engine, after a stop message, has reported that a run's job is still queued.

        An older answer proves nothing: the job may have started since.
        """
        sent = self._sent.get(run.key)
        return sent is not None and evidence is EngineEvidence.QUEUED and self._jobs.asked_at > sent.since

    def claim_job_cancellation(self, run: Run, evidence: EngineEvidence, now: float) -> bool:
        """Return whether to cancel a stopped run's job now, and record that: once for each answer of the engine."""
        sent = self._sent.get(run.key)
        if sent is None or self._jobs.asked_at <= sent.job_canceled_at:
            return False
        is_late = now >= sent.kill_at and evidence in {EngineEvidence.QUEUED, EngineEvidence.RUNNING}
        if not (is_late or self.is_left_in_queue(run, evidence)):
            return False
        self._sent[run.key] = sent._replace(job_canceled_at=time.monotonic())
        return True

    def forget(self, run: Run) -> None:
        """Forget a run that has ended."""
        self._sent.pop(run.key, None)

    def _record_stop(self, run: Run, reason: StopReason, now: float, grace_seconds: float | None = None) -> None:
        """Record that a run is to be stopped for a reason, and when its job may be canceled."""
        kill_at = now + (GRACE_SECONDS if grace_seconds is None else grace_seconds) + _KILL_SECONDS
        self._sent[run.key] = SentStop(reason, time.monotonic(), kill_at)
        self._jobs.query_soon()

    def _deliver(self, run: Run) -> None:
        """Send a run's last stop message to its supervisor, and record whether that succeeded."""
        sent = self._sent[run.key]
        message: CancelMessage | StopMessage = StopMessage(sent.reason)
        if sent.reason is StopReason.CANCEL:
            message = CancelMessage(run.cancel_grace_seconds, run.failed_with)
        self._sent[run.key] = sent._replace(was_delivered=send_to_supervisor(self._workspace, run, message))


def send_to_supervisor(workspace: Workspace, run: Run, message: CancelMessage | StopMessage) -> bool:
    """Send a message to a run's supervisor if the run has a shared folder; return False if that fails."""
    folder = workspace.get_run_folder(run.run_id)
    shared = find_shared_run_folder(folder)
    if shared is not None:
        try:
            send_message(folder, shared, message)
        except OSError:
            return False
    return True
