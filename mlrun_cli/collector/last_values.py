"""The last values of runs that were ended while their nodes could not be read, as by forced cancellations."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.run_liveness import SETTLE_SECONDS, EngineEvidence
from mlrun_cli.core.program_log import write_log
from mlrun_cli.runs.run import Run
from mlrun_cli.targets.errors import EngineUnavailable

_CANCEL_PAUSE_SECONDS = 5.0


@dataclass
class _Ended:
    collected: CollectedRun
    job_ended_at: float | None = None
    is_delay_logged: bool = False
    next_cancel: float = 0.0


class LastValues:
    """The runs that another process has ended, whose values are stored until their jobs, now canceled, have ended."""

    def __init__(self, jobs: JobPoll) -> None:
        self._jobs = jobs
        self._ended: dict[int, _Ended] = {}

    @property
    def runs(self) -> Collection[Run]:
        """The runs that may still have values which are not stored."""
        return [ended.collected.run for ended in self._ended.values()]

    def add(self, collected: CollectedRun) -> None:
        """Add a run that has ended."""
        self._ended.setdefault(collected.run.key, _Ended(collected))

    def collect(self, now: float) -> Collection[Run]:
        """Store new values of the runs, and return the runs that have no more, which are forgotten.

        Args:
            now: the monotonic time.

        Raises:
            StoreError: the store cannot be used.
        """
        done = [ended.collected.run for ended in self._ended.values() if self._collect_run(ended, now)]
        for run in done:
            del self._ended[run.key]
        return done

    def _collect_run(self, ended: _Ended, now: float) -> bool:
        """Store new values of a run, whose job has to end; return whether it has ended and all values are stored."""
        run = ended.collected.run
        evidence = EngineEvidence.MISSING if not self._jobs.has_job_id(run) else self._jobs.get_evidence(run)
        if evidence not in {EngineEvidence.ENDED, EngineEvidence.MISSING}:
            ended.job_ended_at = None
            if evidence is not EngineEvidence.SILENT and now >= ended.next_cancel:
                ended.next_cancel = now + _CANCEL_PAUSE_SECONDS
                with suppress(EngineUnavailable):
                    self._jobs.cancel_jobs([run])
        elif ended.job_ended_at is None:
            ended.job_ended_at = now
        is_over = ended.job_ended_at is not None and now >= ended.job_ended_at + SETTLE_SECONDS
        if not ended.is_delay_logged and is_over and not ended.collected.is_folder_available():
            ended.is_delay_logged = True
            write_log(f"the last values and the secrets of {run.run_id} wait for the shared folder")
        return ended.collected.collect_last_values(now, is_over=is_over)
