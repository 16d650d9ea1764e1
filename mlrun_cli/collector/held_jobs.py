"""Jobs that an engine could not start and holds until they are released, which the collector does."""

from __future__ import annotations

import time
from contextlib import suppress

from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.core.program_log import write_log
from mlrun_cli.runs.job_problems import JobProblems
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import find_shared_run_folder
from mlrun_cli.targets.engine import EngineTarget, Job, JobEnd, JobState
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable

_MAX_RELEASES = 3
"""How often a job is released, or its engine refuses that, before its run is ended."""


class HeldJobs:
    """The held jobs of a target's live runs."""

    def __init__(self, target: EngineTarget, jobs: JobPoll) -> None:
        self._target = target
        self._jobs = jobs
        self._released_at: dict[int, float] = {}
        """The monotonic time at which each run's job was last to be released, by run key."""

    def release_if_held(self, run: Run) -> Job | None:
        """Release a run's job if its engine holds it; return the job as ended after too many releases, or else None.

        Returns:
            The job, as one that has ended without a start, if it was released too often, or else None.

        Raises:
            OSError: the number of releases cannot be stored.
        """
        job = self._jobs.find_job(run)
        if job is None or not job.is_held or self._jobs.asked_at <= self._released_at.get(run.key, 0.0):
            return None
        folder = self._target.workspace.get_run_folder(run.run_id)
        problems = JobProblems.read(folder)
        if problems.releases >= _MAX_RELEASES:
            words = f"{job.reason}, after {_MAX_RELEASES} attempts to release it"
            return Job(JobState.ENDED, end=JobEnd.NEVER_STARTED, words=words)
        self._released_at[run.key] = time.monotonic()
        result = "released"
        counted = problems._replace(releases=problems.releases + 1)
        counted.write(folder)  # before, since on a full disk the job would be released without end
        try:
            self._jobs.release_job(run)
        except EngineUnavailable:
            problems.write(folder)
            return None
        except EngineRefused as error:
            result = f"not released ({' '.join(error.message.split())})"
            write_log(f"the job of {run.run_id} cannot be released: {error}")
        number = f"{counted.releases} of {_MAX_RELEASES}"
        self._append_to_log(
            run, f"--- {self._target.engine_name} could not start the job ({job.reason}): {result}, {number} ---"
        )
        return None

    def forget(self, run: Run) -> None:
        """Forget a run that has ended."""
        self._released_at.pop(run.key, None)

    def _append_to_log(self, run: Run, line: str) -> None:
        """Append a line to a run's log while its job waits, when no other process writes there; ignore failures."""
        shared = find_shared_run_folder(self._target.workspace.get_run_folder(run.run_id))
        if shared is not None:
            with suppress(OSError), shared.stdout.open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")
