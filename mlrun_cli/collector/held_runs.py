"""Runs that wait for the completion of another run (`--after`), and get their jobs after that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.lost_outcome import derive_lost_outcome
from mlrun_cli.runs.job_problems import JobProblems
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import was_streaming_command_killed
from mlrun_cli.runtime.finish import build_lost_stream_outcome, build_unstartable_outcome
from mlrun_cli.targets.engine import EngineTarget

_POLL_SECONDS = 5.0
_RETRY_SECONDS = 10.0
_END_OF_TIME = 2**62
"""The engine itself holds jobs back until their time."""


class HeldRuns:
    """The held runs of a target, which have no jobs yet."""

    def __init__(self, target: EngineTarget, jobs: JobPoll) -> None:
        self._target = target
        self._workspace = target.workspace
        self._jobs = jobs
        self._runs: dict[int, Run] = {}
        self._next_poll = 0.0
        self._retry_at: dict[int, float] = {}
        """The monotonic time before which nothing more is tried with a run, by run key."""

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._runs)

    def separate(self, live_runs: Mapping[int, Run], started: Collection[str]) -> dict[int, Run]:
        """Keep those of the target's live runs that are held, and return the others.

        Args:
            live_runs: the live runs, by key.
            started: the ids of the runs whose supervisors have been started.
        """
        self._runs = {key: run for key, run in live_runs.items() if run.run_id not in started and self._is_held(run)}
        self._retry_at = {key: moment for key, moment in self._retry_at.items() if key in self._runs}
        self._next_poll = 0.0
        return {key: run for key, run in live_runs.items() if key not in self._runs}

    def _is_held(self, run: Run) -> bool:
        if run.predecessor_key is None or run.started_at is not None or self._jobs.has_job_id(run):
            return False
        if run.status is RunStatus.CANCEL_REQUESTED:  # a job may come of a submission that has got no answer
            return not JobProblems.read(self._workspace.get_run_folder(run.run_id)).unanswered
        return run.status is RunStatus.QUEUED

    def is_due(self, now: float) -> bool:
        """Return whether to look at the runs now: after they were read, and every few seconds."""
        if not self._runs or now < self._next_poll:
            return False
        self._next_poll = now + _POLL_SECONDS
        return True

    def list_ended(self, now: float) -> Sequence[tuple[Run, Outcome]]:
        """Return the runs that will never start, with their outcomes.

        Raises:
            StoreError: the store cannot be used.
        """
        unstartable = {run.key for run in self._workspace.queues.list_unstartable_runs(self._target.name)}
        ended = []
        for run in self._list_tried(now):
            if run.status is RunStatus.CANCEL_REQUESTED:
                ended.append((run, derive_lost_outcome(run, None)))
            elif run.key in unstartable:
                ended.append((run, build_unstartable_outcome(self._workspace, run)))
            elif was_streaming_command_killed(self._workspace.get_run_folder(run.run_id)):
                ended.append((run, build_lost_stream_outcome()))
        return ended

    def list_ready(self, now: float) -> Sequence[Run]:
        """Return the runs whose predecessor has completed.

        Raises:
            StoreError: the store cannot be used.
        """
        ready = set(self._workspace.queues.list_ready_keys(self._target.name, _END_OF_TIME))
        return [run for run in self._list_tried(now) if run.key in ready]

    def postpone(self, run: Run, now: float) -> None:
        """Try nothing more with a run for some seconds."""
        self._retry_at[run.key] = now + _RETRY_SECONDS

    def forget(self, run: Run) -> None:
        """Forget a run that has ended or has a job."""
        self._runs.pop(run.key, None)

    def _list_tried(self, now: float) -> list[Run]:
        return [run for key, run in self._runs.items() if now >= self._retry_at.get(key, 0.0)]
