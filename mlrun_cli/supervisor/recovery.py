"""Recovery of runs whose supervisor has died: ingest journals, end remaining processes, and record the outcome."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.environments.container import build_running_containers_warning, kill_containers
from mlrun_cli.environments.folder import remove_build_secrets
from mlrun_cli.errors import MlrunError, RunNotFound, StoreError, StoreUnavailable, TargetKindNotFound
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import list_run_processes, track_run_processes
from mlrun_cli.processes.termination import end_processes
from mlrun_cli.runs.attempt import get_attempt_number
from mlrun_cli.runs.error import SERVICE_ERROR, EndReason, build_run_error
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.lease import LEASE_SECONDS
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.run_redaction import read_run_redactor
from mlrun_cli.runs.script_end import ScriptEnd
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.attempts import (
    add_earlier_durations,
    queue_next_attempt,
    read_process_record,
    separate_lost_attempt_values,
)
from mlrun_cli.runtime.finish import (
    add_full_disk_warning,
    build_failure_outcome,
    clean_working_folder,
    derive_script_outcome,
    list_leftover_file_warnings,
    list_leftover_process_warnings,
    read_outcome,
    record_outcome,
    run_or_log,
    write_outcome,
)
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.output_registration import load_output_registration
from mlrun_cli.targets.base import LivenessSource
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.targets.this_machine import can_test_lock
from mlrun_cli.workspace import Workspace

_READERS_SECONDS = 0.1
_WHILE = {
    RunStatus.NOT_STARTED: "before it had started the run",
    RunStatus.QUEUED: "before it had started the run",
    RunStatus.PREPARING: "while it prepared the environment and the working copy",
    RunStatus.STARTING: "while it started the script",
    RunStatus.FINALIZING: "after the script had ended, before it could record how",
}


def recover_all(workspace: Workspace, first_run_id: str) -> None:
    """Recover the run whose lock was passed to this process, and then all other lost runs.

    An error with one run is logged and does not prevent the recovery of the others.
    """
    _try_to_recover(workspace, first_run_id)
    for run in workspace.runs.list_supervised_runs():
        if _can_detect_death(workspace, run):
            with _hold_lock(workspace, run.run_id) as is_taken:
                if is_taken:
                    _try_to_recover(workspace, run.run_id)


def _can_detect_death(workspace: Workspace, run: Run) -> bool:
    """Return whether this process can detect, by the lock of a live run, that the run's supervisor has died."""
    try:
        target = get_target(workspace, run.target)
    except TargetKindNotFound:
        return False
    return target.liveness_source is not LivenessSource.ENGINE and can_test_lock(run)


@contextmanager
def _hold_lock(workspace: Workspace, run_id: str) -> Iterator[bool]:
    """Hold a run's lock during a block, after waiting briefly for its readers; yield whether it was acquired."""
    try:
        lock = OwnerLock.open(workspace.get_run_folder(run_id).lock)
    except OSError:
        yield False
        return
    try:
        yield lock.acquire_to_recover(_READERS_SECONDS)
    finally:
        lock.close()


def _try_to_recover(workspace: Workspace, run_id: str) -> None:
    try:
        # Asked for under the lock: what ended or was deleted meanwhile needs no recovery.
        recover(workspace, workspace.runs.get(run_id))
    except RunNotFound:
        return
    except StoreUnavailable:  # it is tried again at the next look
        log_exception()
    except Exception as error:  # neither the other runs must suffer, nor whoever looks at this one
        log_exception()
        with suppress(MlrunError):
            _record_failure(workspace, run_id, error)


def _record_failure(workspace: Workspace, run_id: str, error: Exception) -> None:
    """Record a run that cannot be recovered as Failed, with the given error."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    message = f"The supervisor of the run died, and what happened to the run cannot be found out: {reason}"
    error_record = build_run_error(message, code=SERVICE_ERROR, reason=EndReason.RUN_NOT_RECOVERABLE)
    outcome = Outcome(RunStatus.FAILED, now(), error=error_record)
    outcome = outcome.redact(workspace.redactor)
    record_outcome(workspace, workspace.runs.get(run_id), outcome)


def recover(workspace: Workspace, run: Run) -> None:
    """Recover a run whose lock is held: end its processes, ingest its journals, and record its outcome or retry it."""
    if run.status.is_terminal:
        return
    folder = workspace.get_run_folder(run.run_id)
    had_processes = bool(list_run_processes(run.run_id))
    submission = _read_submission(folder)
    not_ended = run_or_log(lambda: _kill_run_containers(run, submission), ())
    left = end_processes(track_run_processes(run.run_id), 0.0)
    full = describe_full_disk(folder.path, FULL_FOR_RUNS_BYTES)
    folder.release_space()
    if submission is not None:
        run_or_log(lambda: remove_build_secrets(submission.environment), None)
    # The run's own secrets may be gone with its supervisor; the user's names are among ours, as a rule.
    redactor = read_run_redactor(folder, workspace.redactor)
    reader = JournalReader(workspace, folder.journal, run.key, redactor)
    run_or_log(lambda: separate_lost_attempt_values(workspace, run, folder), None)
    run_or_log(reader.ingest_all, None)
    outcome = read_outcome(folder)
    if outcome is None:
        outcome = _derive_outcome(workspace, run, folder, submission, had_processes=had_processes)
        if _queue_next_attempt(workspace, run, folder, submission, outcome.redact(redactor)):
            return
        outcome = add_earlier_durations(workspace.runs.get_by_key(run.key), outcome)
        behind = run_or_log(lambda: list_leftover_file_warnings(folder, submission), ())
        warnings = (*outcome.warnings, *reader.warnings, *behind, *not_ended, *list_leftover_process_warnings(left))
        lost = add_full_disk_warning(outcome._replace(warnings=warnings), full)
        outcome = run_or_log(lambda: load_output_registration(run)(workspace, run, lost), lost)
        outcome = outcome.redact(redactor)
        # Without it, it is the store alone that knows.
        run_or_log(partial(write_outcome, folder, outcome), None)
    for file in (folder.secrets, folder.socket, folder.worker_socket):
        run_or_log(partial(file.unlink, missing_ok=True), None)
    if submission is not None:
        run_or_log(lambda: clean_working_folder(workspace, submission, folder), None)
    record_outcome(workspace, run, outcome, redactor)
    run_or_log(partial(folder.canceled.unlink, missing_ok=True), None)


def _queue_next_attempt(
    workspace: Workspace, run: Run, folder: RunFolder, submission: Submission | None, outcome: Outcome
) -> bool:
    """Queue a run again if its retry policy allows that for this outcome; return whether it was queued."""
    policy = None if submission is None else submission.retry
    if policy is None:
        return False
    for file in (folder.socket, folder.worker_socket):
        run_or_log(partial(file.unlink, missing_ok=True), None)
    return run_or_log(lambda: queue_next_attempt(workspace, run, folder, policy, outcome), False)


def _read_submission(folder: RunFolder) -> Submission | None:
    """Return the submission of a run, or None if it is missing or unreadable."""
    try:
        document = read_json(folder.submission)
        return None if document is None else Submission.from_json(document)
    except Exception:  # whatever stands there
        log_exception()
        return None


def _kill_run_containers(run: Run, submission: Submission | None) -> tuple[str, ...]:
    """Kill the containers of a run; return a tuple with a warning if one may still be running, otherwise empty."""
    container = None if submission is None else submission.environment.container
    if container is None or kill_containers(container, run.run_id, {**os.environ, **container.reached_by}):
        return ()
    return (build_running_containers_warning(container, run.run_id),)


def write_failure_to_folder(folder: RunFolder, error: StoreError) -> None:
    """Print an error and write it to a run's folder as the outcome, so that recovery can store it later."""
    sys.stderr.write(f"{error}\n")
    if not folder.path.exists():
        return
    message = f"The run could not be started: {error.one_line}"
    write_outcome(folder, build_failure_outcome(message, code=SERVICE_ERROR, reason=error.code))
    folder.secrets.unlink(missing_ok=True)


def _derive_outcome(
    workspace: Workspace, run: Run, folder: RunFolder, submission: Submission | None, *, had_processes: bool
) -> Outcome:
    """Return the outcome that the supervisor recorded at the script's end or, if none, the outcome of a lost run."""
    run = workspace.runs.get_by_key(run.key)
    process = read_process_record(folder, get_attempt_number(run.attempts))
    if "end" in process and submission is not None:
        with suppress(KeyError, TypeError, ValueError):  # something else stands there
            return derive_script_outcome(run, folder, submission, ScriptEnd.from_json(process["end"]))
    return _build_lost_outcome(run, folder, had_processes=had_processes)


def _build_lost_outcome(run: Run, folder: RunFolder, *, had_processes: bool) -> Outcome:
    """Return the outcome of a run whose end was not recorded."""
    sign_of_life = _get_last_activity_time(run, folder)
    ended_at = now() if had_processes else sign_of_life
    started_at = _read_start_time(run, folder)
    if started_at is None and not run.attempts:
        started_at = run.started_at
    duration = None if started_at is None else max(0, ended_at - started_at) / MICROSECONDS
    # Of a run in a queue, only who cancels it removes the secrets; its whole folder may be removed by anybody.
    was_let_go = run.status is RunStatus.QUEUED and folder.path.exists() and not folder.secrets.exists()
    if run.status is RunStatus.CANCEL_REQUESTED or was_let_go or folder.canceled.exists():
        error = None if run.failed_with is None else dict(run.failed_with)
        return Outcome(RunStatus.CANCELED if error is None else RunStatus.FAILED, ended_at, duration, error=error)
    who, reason = "The supervisor of the run died", EndReason.SUPERVISOR_DIED
    when = _WHILE.get(run.status, "while the script ran")
    if _is_from_another_boot(run):
        who, reason = "The machine was restarted", EndReason.MACHINE_RESTARTED
        when = when.replace(" it ", " the supervisor ", 1)
    error = build_run_error(f"{who} {when}.", code=SERVICE_ERROR, reason=reason)
    return Outcome(RunStatus.FAILED, ended_at, duration, error=error)


def _is_from_another_boot(run: Run) -> bool:
    here = get_origin()
    return run.origin is not None and run.origin.host_id == here.host_id and run.origin.boot_id != here.boot_id


def _read_start_time(run: Run, folder: RunFolder) -> int | None:
    """Return the time at which the script of the current attempt was started, or None if unknown."""
    started_at = read_process_record(folder, get_attempt_number(run.attempts)).get("started_at")
    return started_at if isinstance(started_at, int) else None


def _get_last_activity_time(run: Run, folder: RunFolder) -> int:
    """Return the last known time at which the run was alive, in microseconds since the epoch."""
    moments = [run.created_at, run.started_at or 0]
    if run.lease_until is not None:
        moments.append(run.lease_until - LEASE_SECONDS * MICROSECONDS)
    files = [folder.stdout, folder.process, folder.submission]
    with suppress(OSError):
        files.extend(folder.journal.iterdir())
    for file in files:
        with suppress(OSError):
            moments.append(os.stat(file).st_mtime_ns // 1000)
    return min(max(moments), max(now(), run.created_at))
