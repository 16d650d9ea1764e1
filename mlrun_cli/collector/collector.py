"""The collector of a target, which queries the engine about jobs, reads what supervisors write, and ends runs."""

from __future__ import annotations

import selectors
import time
from collections.abc import Collection, Mapping
from contextlib import suppress

from mlrun_cli.collector.collected_run import CollectedRun
from mlrun_cli.collector.collected_runs import CollectedRuns
from mlrun_cli.collector.failed_start import explain_failed_start
from mlrun_cli.collector.held_jobs import HeldJobs
from mlrun_cli.collector.held_runs import HeldRuns
from mlrun_cli.collector.job_poll import JobPoll
from mlrun_cli.collector.last_values import LastValues
from mlrun_cli.collector.liveness_check import LivenessCheck
from mlrun_cli.collector.lost_outcome import derive_interruption_outcome, derive_lost_outcome
from mlrun_cli.collector.resubmission import resubmit_job
from mlrun_cli.collector.run_liveness import EngineEvidence, OutcomeEvidence, RunLiveness, must_resubmit
from mlrun_cli.collector.sent_stops import SentStops, send_to_supervisor
from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.inheritance import exceeds_file_size_limit
from mlrun_cli.processes.termination import reap_children
from mlrun_cli.runs.inbox import StopMessage
from mlrun_cli.runs.job_problems import record_submission_problem
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.run_redaction import read_run_redactor
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.finish import build_lost_stream_outcome, record_outcome
from mlrun_cli.runtime.queue import QueueFolder
from mlrun_cli.runtime.unstored_runs import list_ended_runs, list_unstored_runs
from mlrun_cli.runtime.wake_socket import WakeSocket
from mlrun_cli.targets.engine import EngineTarget, Job
from mlrun_cli.targets.errors import EngineUnavailable

_TICK_SECONDS = 0.25
_FULL_POLL_SECONDS = 5.0
_FULL_POLL_SHARE = 400
"""How much longer than a poll of all runs the pause after it is, if that is longer than the usual one."""
_RELOAD_SECONDS = 60.0
_RELOAD_SHARE = 50
"""How much longer than the reading of all runs the pause after it is."""
_LINGER_SECONDS = 8 * 3600.0
"""How long a collector tries to have removed, after the end of all runs, what their nodes have of them."""
_LINGER_TICK_SECONDS = 2.0
_RETRY_SECONDS = 0.5
_FAILING_SECONDS = 60.0
"""How long a collector tries again if a look at the runs fails, as without memory or descriptors."""


class Collector:
    """The only collector of a target, which holds the lock of the target's queue."""

    def __init__(self, target: EngineTarget, lock: OwnerLock) -> None:
        self._target = target
        self._workspace = target.workspace
        self._lock = lock
        self._row = target.row
        self._linger_until = time.monotonic() + _LINGER_SECONDS
        self._folder = QueueFolder(target.workspace, target.name)
        self._jobs = JobPoll(target)
        self._selector = selectors.DefaultSelector()
        self._shared_folder = target.shared_folder
        self._runs: dict[int, Run] = {}
        self._collected_runs = CollectedRuns(target, self._selector)
        self._last_values = LastValues(target, self._jobs, self._collected_runs)
        self._submit_problems: dict[int, str] = {}
        """Why the job of a run could not be submitted again the last time, by run key; each reason is logged once."""
        self._stops = SentStops(target.workspace, self._jobs)
        self._liveness = LivenessCheck(target, self._jobs, self._stops, self._reload_run)
        self._held = HeldJobs(target, self._jobs)
        self._held_runs = HeldRuns(target, self._jobs)
        self._to_cancel: list[Run] = []
        """The runs whose jobs are canceled at the end of a look, all in one call of the engine's."""
        self._version = -1
        self._next_reload = 0.0
        self._read_until = 0.0
        self._next_full_poll = 0.0
        self._reasons: Mapping[str, str] = {}
        self._problem = ""
        """Why the last look failed; each reason is logged once."""
        self._failing_since: float | None = None

    def run(self) -> None:
        """Collect the data of the target's runs until none of them is live."""
        self._folder.record_problem("")
        is_mine = True
        while is_mine:
            self._folder.record_dispatcher()
            with suppress(OSError):
                self._folder.mark_unfinished()  # until it has cleaned up after its last run, should it be killed
            with WakeSocket(self._folder.socket) as wake_socket:
                self._selector.register(wake_socket, selectors.EVENT_READ, wake_socket.drain)
                self._poll_until_idle()
                self._selector.unregister(wake_socket)
            is_in_place = self._workspace.is_database_in_place()
            is_cleared = is_in_place and self._folder.clear_unfinished()
            self._lock.close()
            if not is_in_place or not self._must_go_on(is_cleared=is_cleared):
                return
            self._version, self._next_reload = -1, 0.0
            self._lock = OwnerLock.open(self._folder.lock)
            is_mine = self._lock.try_acquire()

    def _must_go_on(self, *, is_cleared: bool) -> bool:
        """Return whether there are runs again, perhaps ended by force, since they were last looked for.

        A wake-up may have been sent to the socket after the last look, and a mark made just before all were cleared.
        """
        if self._list_runs() or (is_cleared and self._folder.is_unfinished()):
            return True
        unstored = list_unstored_runs(self._target, self._shared_folder) if self._is_attached() else ()
        return any(run.run_id not in self._collected_runs.leftovers for run in unstored)

    def _list_runs(self) -> list[Run]:
        return list(self._workspace.runs.list_live_runs_on_target(self._target.name))

    def _poll_until_idle(self) -> None:
        """Poll the target's runs until none is live or needs cleaning up, or until the workspace has been removed."""
        while self._workspace.is_database_in_place():
            try:
                self._reload_runs(time.monotonic())
                self._folder.starts.reset(self._lock)
                self._poll_held_runs(time.monotonic())
                self._target.synchronize(self._list_polled_runs())
                if self._runs or self._held_runs:
                    self._linger_until = time.monotonic() + _LINGER_SECONDS
                    self._poll_runs(time.monotonic())
                else:
                    self._collected_runs.remove_leftovers()
                    if not self._must_linger():
                        for run in self._last_values.clear():
                            self._forget_run(run)
                        return
                self._collect_last_values(time.monotonic())
                self._clear_problem()
            except StoreError as error:
                self._log_problem(f"the store waits: {error}")
                if exceeds_file_size_limit(self._workspace.locator.database.list_files()):
                    raise  # the next command that reads a run starts another
                time.sleep(_RETRY_SECONDS)
            except OSError as error:
                self._record_problem(f"the collector waits: {error}")
                if time.monotonic() >= (self._failing_since or 0.0) + _FAILING_SECONDS:
                    raise  # so may it be something of this process: the next command that reads a run starts another
                time.sleep(_RETRY_SECONDS)
            for key, _ in self._selector.select(
                _TICK_SECONDS if self._runs or self._last_values.runs else _LINGER_TICK_SECONDS
            ):
                key.data()
            exit_codes = reap_children()
            self._collected_runs.record_exits(exit_codes)
            self._target.record_exits(exit_codes)

    def _log_problem(self, text: str) -> None:
        if text != self._problem:
            write_log(text)
        self._problem = text

    def _record_problem(self, text: str) -> None:
        """Log a problem, and record it as the reason why queued runs wait."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()
        self._log_problem(text)
        self._folder.record_problem(text)

    def _clear_problem(self) -> None:
        if self._failing_since is not None:
            self._folder.record_problem("")
        self._problem, self._failing_since = "", None

    def _list_polled_runs(self) -> list[Run]:
        """Return the live runs, and the ended ones that may have logged more than is stored."""
        return [*self._runs.values(), *self._last_values.runs]

    def _must_linger(self) -> bool:
        """Return whether to continue without live runs, to store values of ended runs and to remove leftover files."""
        has_leftovers = bool(self._collected_runs.leftovers or self._last_values.runs or self._target.list_leftovers())
        if not self._shared_folder.is_available():  # what ended runs have left there is seen once it is back
            has_leftovers, self._version = True, -1
        return has_leftovers and self._is_attached() and time.monotonic() < self._linger_until

    def _is_attached(self) -> bool:
        return self._workspace.compute_targets.find(self._target.name) == self._row

    def _reload_runs(self, now: float) -> None:
        """Read the live runs from the store if they may have changed; the longer this takes, the less often."""
        self._workspace.reopen_if_replaced()
        version = self._workspace.get_data_version()
        if now < self._next_reload or (version == self._version and now < self._read_until):
            return
        before = self._runs
        live = {run.key: run for run in self._list_runs()}
        started = self._shared_folder.list_started_run_ids()
        runs = self._held_runs.separate(live, started)
        for key in before.keys() - live.keys():
            self._keep_for_last_values(before[key])
        self._add_ended_runs(started, {run.run_id for run in live.values()})
        self._version, self._runs = version, runs  # last: should the store fail before, all is read again
        if self._runs.keys() - before.keys():
            self._jobs.query_soon()
        current = time.monotonic()
        self._next_reload = current + _RELOAD_SHARE * (current - now)
        self._read_until = current + _RELOAD_SECONDS
        self._next_full_poll = now

    def _poll_held_runs(self, now: float) -> None:
        """End the held runs that will never start, and submit the jobs of those whose predecessor has completed."""
        if not self._held_runs.is_due(now):
            return
        for run, outcome in self._held_runs.list_ended(now):
            self._held_runs.postpone(run, now)
            with suppress(EngineUnavailable):
                if not self._jobs.discover_job_id(run):  # its submission may have been killed
                    self._end_without_supervisor(run, None, outcome, now)
                self._version = -1
        for run in self._held_runs.list_ready(now):
            self._held_runs.postpone(run, now)
            self._resubmit(run, None, now)

    def _poll_runs(self, now: float) -> None:
        """Poll the live runs: started or stopped ones always, and all others every few seconds or after a change."""
        started = self._shared_folder.list_started_run_ids()
        is_full = now >= self._next_full_poll
        if self._jobs.query_if_due(self._list_polled_runs(), now) and self._jobs.has_changed:
            is_full = True
            self._write_wait_reasons()
        began = time.monotonic()
        for run in list(self._runs.values()):
            is_started = run.run_id in started
            if is_full or is_started or self._collected_runs.find(run) or self._stops.was_stop_sent(run):
                self._poll_run_safely(run, now, is_started=is_started)
        if is_full:
            self._collected_runs.remove_leftovers()
            current = time.monotonic()
            pause = max(_FULL_POLL_SECONDS, _FULL_POLL_SHARE * (current - began))
            self._next_full_poll = current + min(pause, _RELOAD_SECONDS)
        to_cancel, self._to_cancel = self._to_cancel, []
        with suppress(EngineUnavailable):  # it is tried again at a later look
            self._jobs.cancel_jobs(to_cancel)

    def _poll_run_safely(self, run: Run, now: float, *, is_started: bool) -> None:
        try:
            self._poll_run(run, now, is_started=is_started)
        except StoreError:
            raise
        except Exception:  # the folder may contain anything, and the other runs must not suffer
            log_exception()

    def _poll_run(self, run: Run, now: float, *, is_started: bool) -> None:
        evidence = self._jobs.get_evidence(run)
        collected = self._collected_runs.find(run)
        if collected is None and (is_started or evidence not in {EngineEvidence.QUEUED, EngineEvidence.SILENT}):
            collected = self._collected_runs.open(run)
        if collected is not None:
            run = self._poll_folder(run, collected, now)
            if run.status.is_terminal:
                self._version = -1  # another process has ended it: the runs are read again
                return
            evidence = self._jobs.get_evidence(run, collected.start_seen_at)
        self._stops.send_if_needed(run, now)
        if self._stops.claim_job_cancellation(run, evidence, now):
            self._to_cancel.append(run)
        liveness = self._liveness.determine(run, collected, evidence, now)
        if liveness is RunLiveness.ALIVE:
            is_running = run.status not in {RunStatus.QUEUED, RunStatus.CANCEL_REQUESTED}
            if collected is not None and collected.has_started and evidence is EngineEvidence.QUEUED and is_running:
                collected.requeue()
                self._runs[run.key] = collected.run
            if evidence is EngineEvidence.QUEUED and not self._stops.was_stop_sent(run):
                self._release_if_held(run, collected, now)
        elif liveness is RunLiveness.ENDED:
            assert collected is not None
            self._record_end(run, collected, now)
        elif must_resubmit(liveness, self._liveness.get_submission_evidence(run, collected), run.status):
            self._resubmit(run, collected, now)
        else:
            self._record_lost_run(run, collected, self._jobs.find_job(run), now)

    def _poll_folder(self, run: Run, collected: CollectedRun, now: float) -> Run:
        """Store what is new in the folder of a run; return the run, which its events may have changed."""
        collected.run = run
        collected.poll(now)
        self._runs[run.key] = collected.run
        if collected.job_id and not collected.run.status.is_terminal:
            self._jobs.record_job_id(collected.run, collected.job_id)
        return collected.run

    def _release_if_held(self, run: Run, collected: CollectedRun | None, now: float) -> None:
        """Release the job of a run that its engine could not start, or end the run if that was done too often."""
        end = self._held.release_if_held(run)
        if end is not None and self._shared_folder.is_available():
            self._record_lost_run(run, collected, end, now)

    def _add_ended_runs(self, started: Collection[str], live: Collection[str]) -> None:
        """Add the runs that ended without this collector, so that their last values are stored.

        They may have been deleted since. A collector that has recorded their ends may have died before it removed their
        files.

        Args:
            started: the ids of the runs whose supervisors have been started; some may be of other workspaces.
            live: the ids of the live runs.
        """
        if not self._shared_folder.is_available():
            return
        known = {run.run_id for run in self._last_values.runs} | self._collected_runs.leftovers
        run_ids = {*started, *self._target.list_leftovers()}.difference(live, known)
        for run in list_ended_runs(self._target, run_ids):
            self._keep_for_last_values(run)

    def _keep_for_last_values(self, run: Run) -> None:
        """Keep storing values of a run whose end another process has recorded, or forget it if that is impossible."""
        if not self._last_values.add(run):
            self._forget_run(run)

    def _collect_last_values(self, now: float) -> None:
        """Store the last values of ended runs, and forget the runs whose values are all stored."""
        if self._last_values.runs and not self._runs:
            self._jobs.query_if_due(self._last_values.runs, now)
        for run in self._last_values.collect(now):
            self._forget_run(run)

    def _reload_run(self, run: Run) -> Run:
        """Read a live run from the store again, whose job id its submitter may have stored in the meantime."""
        self._runs[run.key] = self._workspace.runs.get_by_key(run.key)
        return self._runs[run.key]

    def _resubmit(self, run: Run, collected: CollectedRun | None, now: float) -> None:
        """Submit the job of a run again, or record the end of the run if the engine refuses the job."""
        try:
            outcome = resubmit_job(self._target, self._jobs, run)
        except StoreError:
            raise
        except (MlrunError, OSError) as error:  # it may pass: it is tried again after as long as a first time
            self._record_submission_problem(run, error)
            self._liveness.forget(run)
            return
        if outcome is not None:
            self._end_without_supervisor(run, collected, outcome, now)
        else:
            self._liveness.forget(run)
            self._reload_run(run)
            self._jobs.query_soon()

    def _record_submission_problem(self, run: Run, error: Exception) -> None:
        """Log why the job of a run cannot be submitted again, and record this as the reason why the run waits."""
        redactor = read_run_redactor(self._shared_folder.get_run_folder(run.run_id), self._workspace.redactor)
        text = str(redactor.redact_error(" ".join(str(error).split())))
        if self._submit_problems.get(run.key) != text:
            self._submit_problems[run.key] = text
            write_log(f"{run.run_id} cannot be submitted again now: {text}")
        is_silence = isinstance(error, EngineUnavailable)
        record_submission_problem(self._workspace.get_run_folder(run.run_id), "" if is_silence else text)

    def _record_end(self, run: Run, collected: CollectedRun, now: float) -> None:
        """Record the outcome that a run's supervisor wrote, adjusted if the supervisor was interrupted."""
        outcome = collected.outcome
        assert outcome is not None
        if collected.outcome_evidence is OutcomeEvidence.INTERRUPTED:
            outcome = derive_interruption_outcome(run, outcome, self._explain_end(run, self._jobs.find_job(run)))
            outcome = self._adjust_to_lost_stream(run, outcome)
        self._finish_run(run, collected, outcome, now)

    def _record_lost_run(self, run: Run, collected: CollectedRun | None, job: Job | None, now: float) -> None:
        """Record the end of a run that has lost its supervisor; tell the supervisor to stop in case it is alive.

        Args:
            run: the run.
            collected: the run as it is collected, if it is.
            job: its job, which tells how it has ended; None if the engine knows none.
            now: the monotonic time.
        """
        send_to_supervisor(self._workspace, run, StopMessage(StopReason.GIVEN_UP))
        if self._jobs.has_job_id(run):
            self._to_cancel.append(run)
        job = self._explain_end(run, job)
        has_started = collected is not None and collected.has_started
        outcome = explain_failed_start(
            derive_lost_outcome(run, job),
            job,
            self._target.folder_on_nodes,
            self._shared_folder,
            log=self._shared_folder.get_run_folder(run.run_id).supervisor_log,
            has_started=has_started,
        )
        outcome = self._adjust_to_lost_stream(run, outcome)
        self._end_without_supervisor(run, collected, outcome, now)

    def _explain_end(self, run: Run, job: Job | None) -> Job | None:
        """Return the job, with its end explained by the supervisor's log if possible, or None if there is none."""
        log = self._shared_folder.get_run_folder(run.run_id).supervisor_log
        return None if job is None else self._target.explain_end(job, log)

    def _end_without_supervisor(self, run: Run, collected: CollectedRun | None, outcome: Outcome, now: float) -> None:
        """Record an outcome that no supervisor has written, unless the shared folder is unavailable."""
        if collected is None:
            collected = self._collected_runs.open(run)
        if collected is not None:
            self._finish_run(run, collected, outcome, now)
        elif self._shared_folder.is_available():
            self._record_without_folder(run, outcome)

    def _adjust_to_lost_stream(self, run: Run, outcome: Outcome) -> Outcome:
        """Return the outcome of a run, adjusted if the run was stopped because its streaming command was killed."""
        if run.status is RunStatus.CANCEL_REQUESTED or not self._stops.was_stop_sent_for(run, StopReason.STREAM_LOST):
            return outcome
        told = build_lost_stream_outcome()
        return outcome._replace(status=told.status, error=told.error)

    def _finish_run(self, run: Run, collected: CollectedRun, outcome: Outcome, now: float) -> None:
        if collected.finish(outcome, now):
            self._forget_run(run)

    def _record_without_folder(self, run: Run, outcome: Outcome) -> None:
        """Record the outcome of a run whose folder cannot be opened, and forget the run."""
        record_outcome(self._workspace, run, outcome)
        self._forget_run(run)

    def _forget_run(self, run: Run) -> None:
        """Remove the leftover files of a run that has ended, and forget the run."""
        self._collected_runs.close(run)
        self._runs.pop(run.key, None)
        self._liveness.forget(run)
        self._submit_problems.pop(run.key, None)
        self._stops.forget(run)
        self._held.forget(run)

    def _write_wait_reasons(self) -> None:
        reasons = self._jobs.describe_waits(self._runs.values())
        if reasons != self._reasons:
            self._reasons = reasons
            self._folder.write_wait_reasons(reasons)
