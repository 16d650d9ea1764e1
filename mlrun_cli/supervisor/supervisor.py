"""Supervision of a run from start to end: its environment, working copy, script and outcome."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.errors import InternalError, MlrunError
from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.termination import end_processes
from mlrun_cli.runs.attempt import get_attempt_number, replace_attempt_start, sum_earlier_durations
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.lease import compute_lease_end
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import SupervisorColumns
from mlrun_cli.runs.script_end import ScriptEnd, StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.attempts import add_earlier_durations
from mlrun_cli.runtime.finish import (
    add_full_disk_warning,
    build_failure_outcome,
    derive_script_outcome,
    derive_stop_outcome,
    list_leftover_file_warnings,
    list_leftover_process_warnings,
    run_or_log,
)
from mlrun_cli.supervisor.preparation import Preparation, RunStopped
from mlrun_cli.supervisor.resource_meter import ResourceMeter
from mlrun_cli.supervisor.script import Script
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.supervisor.watch import Watch


class Supervisor:
    """The supervisor of one run; its `run` method returns when the outcome is in the store."""

    def __init__(self, run: SupervisedRun) -> None:
        self._run = run
        run.folder.reserve_space()
        self._watch = Watch(self._run)
        self._preparation = Preparation(self._run, self._watch)
        self._full_disk: str | None = None

    def run(self) -> bool:
        """Run the script and record its outcome; return False if a shutdown has queued the run again."""
        run = self._run
        try:
            outcome = self._execute_attempts()
        finally:
            self._watch.close()
        self._release_space()
        if self._watch.stop.reason is StopReason.SHUTDOWN and run.queue_next_attempt(outcome.redact(run.redactor)):
            return False
        outcome = add_earlier_durations(run.read(), outcome)
        outcome = add_full_disk_warning(outcome, self._full_disk)
        self._ingest_all()
        outcome = outcome._replace(warnings=(*outcome.warnings, *self._watch.reader.warnings))
        run.finish(outcome.redact(run.redactor), self._watch.stop.reason)
        return True

    def _execute_attempts(self) -> Outcome:
        """Run the script, retrying it if it fails, and return the last outcome."""
        outcome = self._execute_attempt(self._prepare_script)
        while outcome is None:
            outcome = self._execute_attempt(self._run.folder.reserve_space)
        return outcome

    def _execute_attempt(self, prepare: Callable[[], None]) -> Outcome | None:
        """Run the script once and return its outcome, or None if the next attempt has begun."""
        try:
            prepare()
            script = self._start_script()
        except RunStopped:
            return derive_stop_outcome(
                self._watch.stop.reason or StopReason.CANCEL, self._run.read(), self._run.submission, None
            )
        except MlrunError as error:
            return build_failure_outcome(str(error), reason=error.code)
        except Exception as error:  # whatever it is, the run has to say so
            log_exception()
            message = f"{type(error).__name__}: {error}"
            return build_failure_outcome(message, code=SERVICE_ERROR, reason=InternalError.__name__)
        self._watch.wait_for_group(script.group)
        return self._finish_script(script)

    def _begin_next_attempt(self, script: Script, end: ScriptEnd) -> bool:
        """Start the next attempt after a script has ended, if a retry is allowed; return whether it was started."""
        run, policy, stop = self._run, self._run.submission.retry, self._watch.stop
        if policy is None or stop.reason is not None:
            return False
        row = run.read()
        outcome = derive_script_outcome(row, run.folder, run.submission, end)
        if not policy.allows(outcome, get_attempt_number(row.attempts) - 1):
            return False
        script.copy_logs()
        self._ingest_all()
        return run.begin_next_attempt(script.started_at, outcome.redact(run.redactor))

    def _prepare_script(self) -> None:
        """Build the environment and create the working copy while the run's status is Preparing."""
        # Who starts what has waited for a target may live elsewhere than who submitted it.
        origin = get_origin()
        owner: SupervisorColumns = {
            "host_id": origin.host_id,
            "boot_id": origin.boot_id,
            "pid_namespace": origin.pid_namespace,
            "lease_until": compute_lease_end(),
        }
        self._change_status({RunStatus.NOT_STARTED, RunStatus.QUEUED}, RunStatus.PREPARING, owner)
        self._preparation.prepare_environment()
        self._preparation.create_working_copy()
        self._change_status({RunStatus.PREPARING}, RunStatus.STARTING)

    def _change_status(
        self, old_statuses: set[RunStatus], new_status: RunStatus, columns: SupervisorColumns | None = None
    ) -> None:
        """Change the status and columns of the run.

        Raises:
            RunStopped: the run has to stop, or has been canceled.
        """
        if self._watch.request_stop_if_needed() or not self._run.change_status(old_statuses, new_status, columns):
            raise RunStopped

    def _start_script(self) -> Script:
        row = self._run.read()
        if self._watch.request_stop_if_needed():
            raise RunStopped
        script = Script(self._run, get_attempt_number(row.attempts))
        self._watch.stop.container_termination = script.container_termination
        self._watch.meter = run_or_log(lambda: self._start_meter(script), None)
        self._run.remove_secrets_after_start()
        self._run.folder.stdin.unlink(missing_ok=True)
        limit = self._run.submission.max_run_duration_seconds
        if limit:
            self._watch.time_limit_at = script.group.started + limit - sum_earlier_durations(row.attempts)
        columns: SupervisorColumns = {"started_at": script.started_at}
        if row.attempts:
            self._run.separate_attempt_values()
            columns = {"attempts": replace_attempt_start(row.attempts, script.started_at)}
        self._run.change_status({RunStatus.STARTING}, RunStatus.RUNNING, columns)
        return script

    def _start_meter(self, script: Script) -> ResourceMeter:
        run = self._run
        gpus = run.run.gpus or run.secrets.environment.get(VISIBLE_GPUS)
        return ResourceMeter(run.folder, run.submission, script.group, gpus, script.attempt)

    def _finish_script(self, script: Script) -> Outcome | None:
        """Clean up after the script's processes have ended; return the outcome, or None if it is retried."""
        run, stop = self._run, self._watch.stop
        self._release_space()
        meter = self._watch.meter
        out_of_memory = None if meter is None else meter.finish()
        end = script.record_end(stop.reason if stop.was_delivered else None, out_of_memory)
        if self._full_disk is None:
            run.workspace.enable_frequent_checkpoints()
        if run.submission.retry is None:
            run.change_status({RunStatus.RUNNING}, RunStatus.FINALIZING)
        containers = () if script.container_termination is None else script.container_termination.finish()
        left = end_processes(script.group.list_survivors, stop.remaining_grace_seconds)
        if self._begin_next_attempt(script, end):
            return None
        run.change_status({RunStatus.RUNNING}, RunStatus.FINALIZING)
        self._ingest_all()
        row = run.read()
        outcome = derive_script_outcome(row, run.folder, run.submission, end)
        files = run_or_log(lambda: list_leftover_file_warnings(run.folder, run.submission), ())
        warnings = (*self._preparation.warnings, *outcome.warnings, *files, *containers)
        outcome = outcome._replace(warnings=(*warnings, *list_leftover_process_warnings(left)))
        return run.retry_until_stored(lambda: run_or_log(lambda: run.register_outputs(row, outcome), outcome))

    def _release_space(self) -> None:
        """Record whether the disk is full, and release the disk space that was reserved for the end of the run."""
        if self._run.folder.reserve.exists():
            self._full_disk = describe_full_disk(self._run.folder.disk, FULL_FOR_RUNS_BYTES)
            self._run.folder.release_space()

    def _ingest_all(self) -> None:
        self._run.retry_until_stored(lambda: run_or_log(self._watch.reader.ingest_all, None))
