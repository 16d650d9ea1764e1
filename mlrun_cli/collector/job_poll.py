"""The state of all jobs of a target, polled with one query of its engine, less often while nothing changes."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import closing

from mlrun_cli.collector.run_liveness import EngineEvidence
from mlrun_cli.core.program_log import write_log
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import EngineTarget, Job, JobState
from mlrun_cli.targets.errors import EngineUnavailable

_FIRST_SECONDS, _LAST_SECONDS, _GROWTH = 1.0, 10.0, 1.5
_PROMPT_SECONDS = 5.0
"""How long an answer takes at most from an engine that is not stalled."""


class JobPoll:
    """The jobs of live runs, as last reported by the target's engine.

    Attributes:
        is_silent: True if the engine has not answered about jobs since a query that it did not answer, or at all.
        has_changed: True if the last answer differs from the one before.
        asked_at: the monotonic time at which the engine was asked for what it has last told about jobs.
        prompt_since: the monotonic time since which the engine has answered each query, and within a few seconds.
    """

    def __init__(self, target: EngineTarget) -> None:
        self.is_silent = True
        self.has_changed = False
        self._logged = ""
        """The error of the last query, which is logged once."""
        self.asked_at = 0.0
        self.prompt_since = 0.0
        self._has_answered = False
        """True if the engine answered the last query of any kind."""
        self._queried_at = 0.0
        """The monotonic time of the last query of any kind, answered or not."""
        self._target = target
        self._jobs: Mapping[str, Job] = {}
        self._asked: Collection[str] = frozenset()
        self._found: dict[int, str] = {}
        """The ids of jobs that were found by the ids of their runs, or by their starts, by run key."""
        self._unknown: frozenset[int] = frozenset()
        """The keys of the runs for whose ids the engine was last asked, and knew no job."""
        self._has_looked_for_ids = False
        self._interval = _FIRST_SECONDS
        self._next = 0.0

    def query_soon(self) -> None:
        """Schedule a query as soon as possible, but at least one second after the previous one."""
        self._interval = _FIRST_SECONDS
        self._next = min(self._next, self._queried_at + _FIRST_SECONDS)

    def query_if_due(self, runs: Collection[Run], now: float) -> bool:
        """Query the target's engine for the jobs of these runs if a query is due; return whether one was due.

        For runs whose submission was killed before it had stored their job id, every other query is for those ids.

        Raises:
            StoreError: the store cannot be used.
        """
        if now < self._next:
            return False
        before = self._jobs, self.is_silent
        self._queried_at = now
        lacking = [run for run in runs if not self.has_job_id(run) and not self.is_being_submitted(run)]
        self._has_looked_for_ids = bool(lacking) and not self._has_looked_for_ids
        try:
            if self._has_looked_for_ids:
                self._update_job_ids(lacking)
            else:
                self._query_jobs(runs)
        except EngineUnavailable as error:
            if str(error) != self._logged:
                write_log(f"the engine does not answer: {error}")
            self._logged = str(error)
            self.mark_silent()
        else:
            self._logged = ""
        self.has_changed = before != (self._jobs, self.is_silent)
        is_soon = self.has_changed or self._has_looked_for_ids
        self._interval = _FIRST_SECONDS if is_soon else min(_LAST_SECONDS, self._interval * _GROWTH)
        self._next = max(time.monotonic(), now) + self._interval
        return True

    def mark_silent(self) -> None:
        """Treat all that the engine said of jobs as outdated, since it did not answer."""
        self.is_silent, self._has_answered = True, False
        self._unknown = frozenset()

    def is_being_submitted(self, run: Run) -> bool:
        """Return whether a run's submitting process, which holds the owner lock until it knows the job id, is alive."""
        try:
            with closing(OwnerLock.open(self._target.workspace.get_run_folder(run.run_id).lock)) as lock:
                return not lock.is_free()
        except OSError:
            return False

    def has_job_id(self, run: Run) -> bool:
        """Return whether the id of a run's job is known."""
        return self._get_job_id(run) is not None

    def discover_job_id(self, run: Run) -> bool:
        """Query the target's engine for the job id of a run, and store it; return whether the run has a job.

        Raises:
            EngineUnavailable: the engine does not answer.
            StoreError: the store cannot be used.
        """
        self._update_job_ids([run])
        return run.key in self._found

    def is_job_of(self, run: Run, job_id: str) -> bool:
        """Return whether a job id is the one recorded for a run."""
        return self._get_job_id(run) == job_id

    def record_job_id(self, run: Run, job_id: str) -> None:
        """Store the id of the job that started a run, replacing the id of any other job of the run.

        Raises:
            StoreError: the store cannot be used.
        """
        if not self.is_job_of(run, job_id):
            workspace = self._target.workspace
            self._found[run.key] = job_id
            with workspace.transaction():
                workspace.runs.set_property(run.key, self._target.job_property, job_id)

    def find_job(self, run: Run) -> Job | None:
        """Return a run's job as the target's engine last reported it, or None if the engine does not know the job."""
        job_id = self._get_job_id(run)
        return None if job_id is None else self._jobs.get(job_id)

    def get_evidence(self, run: Run, started_at: float | None = None) -> EngineEvidence:
        """Return the state of a run's job in the last response of the engine; SILENT if that is missing or outdated.

        Without a job id, a run has no job, MISSING, only if the engine was asked for the run by its name.

        Args:
            run: the run.
            started_at: the monotonic time at which it was seen that the job had started, perhaps again; an engine that
                was asked before, and called the job queued, has said nothing of it.
        """
        job_id = self._get_job_id(run)
        if job_id is None:
            return EngineEvidence.MISSING if run.key in self._unknown else EngineEvidence.SILENT
        if self.is_silent or job_id not in self._asked:
            return EngineEvidence.SILENT
        evidence = EngineEvidence.from_job(self.find_job(run))
        is_outdated = started_at is not None and evidence is EngineEvidence.QUEUED and self.asked_at <= started_at
        return EngineEvidence.SILENT if is_outdated else evidence

    def cancel_jobs(self, runs: Collection[Run]) -> None:
        """Cancel the jobs of these runs, as far as the job ids are known.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        ids = {job_id for run in runs if (job_id := self._get_job_id(run)) is not None}
        if ids:
            self._target.cancel_jobs(ids)
            self.query_soon()

    def release_job(self, run: Run) -> None:
        """Release the held job of a run, if the job id is known.

        Raises:
            EngineRefused: the engine refuses that.
            EngineUnavailable: the engine does not answer.
        """
        job_id = self._get_job_id(run)
        if job_id is not None:
            self._target.release_job(job_id)
            self.query_soon()

    def describe_waits(self, runs: Collection[Run]) -> dict[str, str]:
        """Return the reasons why queued runs wait, keyed by run id."""
        jobs = ((run, self.find_job(run)) for run in runs)
        return {
            run.run_id: f"{self._describe_job(run)}: {job.reason}".removesuffix(": ")
            for run, job in jobs
            if job is not None and job.state is JobState.QUEUED
        }

    def _describe_job(self, run: Run) -> str:
        job_id = self._get_job_id(run)
        name = self._target.engine_name
        return name if job_id == run.run_id else f"{name} {job_id}"

    def _query_jobs(self, runs: Collection[Run]) -> None:
        ids = {job_id for run in runs if (job_id := self._get_job_id(run)) is not None}
        self._asked = ids
        if not ids:
            self._jobs = {}
            return
        moment = time.monotonic()
        self._jobs = self._target.find_jobs(ids)
        self.asked_at = self._target.get_last_query_time(moment)
        self.is_silent = False
        self._record_answer(moment)

    def _update_job_ids(self, runs: Collection[Run]) -> None:
        """Query the target's engine for the job ids of runs; store those found, and set NotStarted runs to Queued."""
        workspace = self._target.workspace
        moment = time.monotonic()
        found = self._target.find_job_ids([run.run_id for run in runs])
        self._record_answer(moment)
        unknown = {run.key for run in runs if run.run_id not in found}
        self._unknown = self._unknown - {run.key for run in runs} | unknown
        with workspace.transaction():
            for run in runs:
                if run.run_id not in found:
                    continue
                self._found[run.key] = found[run.run_id]
                if workspace.runs.find_status(run.key) is not None:
                    workspace.runs.add_properties(run.key, {self._target.job_property: found[run.run_id]})
                    workspace.runs.change_status(run.key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)

    def _record_answer(self, asked_at: float) -> None:
        """Record an answer; if the engine was stalled before, it may still have to accept jobs."""
        current = time.monotonic()
        if not self._has_answered or current - asked_at > _PROMPT_SECONDS:
            self.prompt_since = current
        self._has_answered = True

    def _get_job_id(self, run: Run) -> str | None:
        return self._found.get(run.key) or run.properties.get(self._target.job_property)
