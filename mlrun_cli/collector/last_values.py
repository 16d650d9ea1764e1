"""The last values of runs that were ended while their nodes could not be read, as by forced cancellations."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.collected_runs import CollectedRuns
from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.run_liveness import SETTLE_SECONDS, EngineEvidence
from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.errors import RunNotFound, StoreError
from mlrun_cli.runs.run import Run
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.errors import EngineUnavailable

_CANCEL_PAUSE_SECONDS = 5.0
_FAILURE_PAUSE_SECONDS = 30.0
_TRASH_PAUSE_SECONDS = 2.0
_ENDS = {EngineEvidence.ENDED, EngineEvidence.MISSING}


class _Ended:
    def __init__(self, collected: CollectedRun) -> None:
        self.collected = collected
        self.job_ended_at: float | None = None
        self.is_delay_logged = False
        self.next_cancel = 0.0
        self.next_look = 0.0


class LastValues:
    """The runs that another process has ended, whose values are stored until their jobs, now canceled, have ended."""

    def __init__(self, target: EngineTarget, jobs: JobPoll, collected_runs: CollectedRuns) -> None:
        """Start without runs.

        Args:
            target: the target.
            jobs: its jobs.
            collected_runs: its open runs; those whose values are to be stored are opened and closed there.
        """
        self._target = target
        self._jobs = jobs
        self._collected_runs = collected_runs
        self._ended: dict[int, _Ended] = {}

    @property
    def runs(self) -> Collection[Run]:
        """The ended runs of which some values may not be stored yet."""
        return [ended.collected.run for ended in self._ended.values()]

    def add(self, run: Run) -> bool:
        """Add a run that has ended, which may be in the trash; return False if there is nothing more to store.

        Without the run's secrets, nothing is stored any more, since nothing could be redacted. They stay until all is
        stored, so that another collector can go on with it.

        Raises:
            StoreError: the store cannot be used.
        """
        if run.key in self._ended:
            return True
        collected = self._collected_runs.find(run)
        try:
            if collected is None and self._target.shared_folder.get_run_folder(run.run_id).secrets.exists():
                collected = self._collected_runs.open(run)
        except StoreError:
            raise
        except Exception:  # the folder may contain anything, and the other runs must not suffer
            log_exception()
        if collected is None:
            return False
        collected.abandon_requests()
        self._ended[run.key] = _Ended(collected)
        return True

    def collect(self, now: float) -> Collection[Run]:
        """Store new values of the runs; forget and return those runs whose values are all stored.

        Args:
            now: the monotonic time.

        Raises:
            StoreError: the store cannot be used.
        """
        self._cancel_jobs(now)
        done = [ended.collected.run for ended in self._ended.values() if self._collect_safely(ended, now)]
        for run in done:
            del self._ended[run.key]
        return done

    def clear(self) -> Collection[Run]:
        """Forget and return all runs."""
        runs = self.runs
        self._ended.clear()
        return runs

    def _cancel_jobs(self, now: float) -> None:
        """Cancel, in one call of the engine, the jobs that are still queued or running, except shortly after a call."""
        alive = {EngineEvidence.QUEUED, EngineEvidence.RUNNING}
        due = [
            each
            for each in self._ended.values()
            if now >= each.next_cancel and self._jobs.get_evidence(each.collected.run) in alive
        ]
        for ended in due:
            ended.next_cancel = now + _CANCEL_PAUSE_SECONDS
        with suppress(EngineUnavailable):
            self._jobs.cancel_jobs([ended.collected.run for ended in due])

    def _collect_safely(self, ended: _Ended, now: float) -> bool:
        """Call `_collect_run`, but return False if it fails, to try later, and True if the run is gone for good."""
        if now < ended.next_look:
            return False
        try:
            return self._collect_run(ended, now)
        except RunNotFound:
            # While another run has the id of one in the trash, nothing is stored.
            ended.next_look = now + _TRASH_PAUSE_SECONDS
            return not ended.collected.is_in_trash()
        except StoreError:
            raise
        except Exception:
            log_exception()
            ended.next_look = now + _FAILURE_PAUSE_SECONDS
            return False

    def _collect_run(self, ended: _Ended, now: float) -> bool:
        """Store new values of a run; return whether its job has ended and all values are stored."""
        evidence = self._jobs.get_evidence(ended.collected.run)
        # Its supervisor will do nothing if the engine starts it after all.
        is_left = evidence is EngineEvidence.QUEUED and not self._target.cancels_queued_jobs
        if evidence not in _ENDS and not (is_left and not ended.collected.has_started):
            ended.job_ended_at = None
        elif ended.job_ended_at is None:
            ended.job_ended_at = now
        settled_at = None if ended.job_ended_at is None else ended.job_ended_at + SETTLE_SECONDS
        if settled_at is None or now < settled_at:
            ended.collected.collect_last_values(now)
            return False
        if not ended.is_delay_logged and not ended.collected.is_folder_available():
            ended.is_delay_logged = True
            write_log(f"the last values and the secrets of {ended.collected.run.run_id} wait for the shared folder")
        return ended.collected.collect_last_values(now, settled_at=settled_at)
