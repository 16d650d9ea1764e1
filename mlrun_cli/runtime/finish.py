"""The end of a run, recorded by its supervisor or by recovery if the supervisor has died."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.removal import remove_tree
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotFound, StoreError
from mlrun_cli.metrics.mlruns import MLRUNS
from mlrun_cli.processes.process import ProcessId
from mlrun_cli.runs.error import SERVICE_ERROR, USER_ERROR, EndReason, build_error_from_log, build_run_error
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import ScriptEnd, StopReason
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.tracked_outputs import save_all_outputs
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.snapshots.working_copy import (
    SCRIPT_FOLDERS,
    list_data_links,
    list_escaping_links,
    remove_data_links,
    remove_empty_script_folders,
    remove_unchanged_files,
)
from mlrun_cli.wire.run_folder import STD_LOG
from mlrun_cli.workspace import Workspace

_UNCAUGHT_EXCEPTION = 1
_KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL}
"""The exit codes of a script that was killed, the second by way of a shell or a container."""

_SENTENCE_ENDS = (".", "!", "?", ":", "…")

_T = TypeVar("_T")
_U = TypeVar("_U")


def derive_status(run: Run, exit_code: int) -> RunStatus:
    """Return Completed or Failed, depending on the exit code and on whether the script reported a failure."""
    if exit_code == 0 and run.wanted_status is not RunStatus.FAILED:
        return RunStatus.COMPLETED
    return RunStatus.FAILED


def read_script_error(folder: RunFolder, end: ScriptEnd) -> dict[str, Any]:
    """Return the error of a failed script, from the traceback or last line in its log, or else from its exit code.

    Python ends with exit code 1 after an uncaught exception; with any other exit code, a traceback in the log belongs
    to an exception that was caught. What a script that was killed had printed says nothing about its end.
    """
    tail = read_tail(folder.artifacts / end.log, end.log_offset) if end.exit_code > 0 else ""
    return build_error_from_log(tail, _describe_exit(end), is_uncaught=end.exit_code == _UNCAUGHT_EXCEPTION)


def _describe_exit(end: ScriptEnd) -> str:
    return f"signal {get_signal_name(-end.exit_code)}" if end.exit_code < 0 else f"exit code {end.exit_code}"


def derive_error(run: Run, folder: RunFolder, end: ScriptEnd) -> Mapping[str, Any]:
    """Return the error of a failed run: the one that the script passed to `fail()`, or else the script's failure."""
    from_log = read_script_error(folder, end) if end.error is None else end.error
    if run.wanted_status is not RunStatus.FAILED:
        return from_log
    wanted = run.wanted_error or {}
    ending = "" if end.exit_code == 0 else f" and ended with {_describe_exit(end)}"
    debug_info = from_log["error"]["debugInfo"]
    return build_run_error(
        str(wanted.get("message") or f"The script called fail(){ending}."),
        code=str(wanted.get("code") or USER_ERROR),
        kind=debug_info.get("type"),
        stack_trace=debug_info.get("stackTrace"),
    )


def derive_script_outcome(run: Run, folder: RunFolder, submission: Submission, end: ScriptEnd) -> Outcome:
    """Return the outcome of a run whose script started and ended."""
    if end.stopped is not None:
        return derive_stop_outcome(end.stopped, run, submission, end)
    status = derive_status(run, end.exit_code)
    error = derive_error(run, folder, end) if status is RunStatus.FAILED else None
    outcome = _add_out_of_memory_cause(_build_outcome(status, end, error), end)
    if end.exit_code == 0 or len(submission.launch.log_names) == 1:
        return outcome
    how = _describe_exit(end)
    what = f"Process {end.process} was the first to fail: {how}"
    if end.log == STD_LOG:
        what = f"MPI's launcher ended with {how}, and named no process that failed"
    return outcome._replace(warnings=(f"{what}. Its log is {end.log}.",))


def _add_out_of_memory_cause(outcome: Outcome, end: ScriptEnd) -> Outcome:
    """Return a failed script's outcome with an out-of-memory condition as its cause or, if uncertain, as a warning."""
    if outcome.status is not RunStatus.FAILED or end.out_of_memory is None:
        return outcome
    if end.exit_code not in _KILLED:
        warning = f"While the script ran, the kernel killed processes since {end.out_of_memory}."
        return outcome._replace(warnings=(*outcome.warnings, warning))
    message = f"The kernel killed the script since {end.out_of_memory}."
    return outcome._replace(error=build_run_error(message, reason=EndReason.OUT_OF_MEMORY))


def derive_stop_outcome(reason: StopReason, run: Run, submission: Submission, end: ScriptEnd | None) -> Outcome:
    """Return the outcome of a run that was stopped, before or after its script started.

    A run that is to be canceled is, even if its supervisor was asked to end before it had seen that.
    """
    if reason is StopReason.SHUTDOWN and run.status is RunStatus.CANCEL_REQUESTED:
        reason = StopReason.CANCEL
    if reason is StopReason.CANCEL and run.failed_with is not None:
        return _build_outcome(RunStatus.FAILED, end, dict(run.failed_with))
    if reason is StopReason.TIME_LIMIT:
        limit = submission.max_run_duration_seconds
        unit = "second" if limit == 1 else "seconds"
        message = f"The run was stopped at its time limit of {limit:.10g} {unit} (--timeout, maxRunDurationSeconds)."
        error = build_run_error(message, reason=EndReason.TIME_LIMIT_REACHED)
        return _build_outcome(RunStatus.CANCELED, end, error)
    if reason is StopReason.STREAM_LOST:
        return build_lost_stream_outcome(end)
    if reason is StopReason.SHUTDOWN:
        message = "The run was stopped because its supervisor was asked to end (SIGTERM), as at a shutdown."
        error = build_run_error(message, code=SERVICE_ERROR, reason=EndReason.SUPERVISOR_STOPPED)
        return _build_outcome(RunStatus.FAILED, end, error)
    return _build_outcome(RunStatus.CANCELED, end, None)


def build_lost_stream_outcome(end: ScriptEnd | None = None) -> Outcome:
    """Return the outcome of a run that was canceled because the command that streamed its logs was killed."""
    message = "The run was canceled because the command that streamed it was killed (--on-interrupt cancel)."
    return _build_outcome(RunStatus.CANCELED, end, build_run_error(message, reason=EndReason.STREAM_KILLED))


def build_unstartable_outcome(workspace: Workspace, run: Run) -> Outcome:
    """Return the outcome of a queued run whose predecessor did not complete or was deleted."""
    what = "was deleted"
    with suppress(RunNotFound):
        predecessor = workspace.runs.get_by_key(run.predecessor_key or 0)
        what = f"'{predecessor.run_id}' ended as {predecessor.status.value}"
    message = f"The run was not started, because the run that it was to follow {what} (--after)."
    error = build_run_error(message, reason=EndReason.PREDECESSOR_NOT_COMPLETED)
    return Outcome(RunStatus.CANCELED, now(), error=error)


def build_failure_outcome(message: str, *, reason: EndReason | str, code: str = USER_ERROR) -> Outcome:
    """Return the outcome of a run whose script could not be started; the arguments describe the error."""
    return _build_outcome(RunStatus.FAILED, None, build_run_error(message, code=code, reason=reason))


def _build_outcome(status: RunStatus, end: ScriptEnd | None, error: Mapping[str, Any] | None) -> Outcome:
    if end is None:
        return Outcome(status, now(), error=error)
    was_killed = end.exit_code < 0
    return Outcome(
        status=status,
        ended_at=end.ended_at,
        duration_seconds=end.duration_seconds,
        exit_code=None if was_killed else end.exit_code,
        signal=get_signal_name(-end.exit_code) if was_killed else None,
        error=error,
    )


def add_full_disk_warning(outcome: Outcome, full_disk: str | None) -> Outcome:
    """Return an outcome with `full_disk`, unless None, added to its warnings or, if the run failed, to its error.

    A full disk may be the cause of a failure.
    """
    if full_disk is None:
        return outcome
    remark = f"Found when the script ended: {full_disk}."
    if outcome.status is not RunStatus.FAILED or outcome.error is None:
        return outcome._replace(warnings=(*outcome.warnings, remark))
    details = outcome.error["error"]
    cause = str(details["message"]).rstrip()
    message = f"{cause}{'' if cause.endswith(_SENTENCE_ENDS) else '.'} {remark}"
    return outcome._replace(error={**outcome.error, "error": {**details, "message": message}})


def run_or_log(action: Callable[[], _T], default: _U) -> _T | _U:
    """Call a function and return its result; if it fails, log the error and return a default.

    Raises:
        StoreError: the store cannot be used at the moment; the caller should retry.
    """
    try:
        return action()
    except StoreError:
        raise
    except Exception:  # the cause may be anything: missing permissions, a corrupt file
        log_exception()
        return default


def list_leftover_process_warnings(processes: list[ProcessId]) -> tuple[str, ...]:
    """Return a tuple with a warning about the processes that could not be ended; empty if there are none."""
    if not processes:
        return ()
    pids = ", ".join(str(process.pid) for process in processes)
    return (f"Left running, since they could not be ended: the processes {pids}.",)


def list_leftover_file_warnings(folder: RunFolder, submission: Submission | None) -> tuple[str, ...]:
    """Return warnings about files that the script left in the working folder."""
    return (
        *_list_mlflow_warnings(folder),
        *_list_link_warnings(folder, {} if submission is None else submission.data_links),
    )


def _list_mlflow_warnings(folder: RunFolder) -> tuple[str, ...]:
    mlruns = folder.work / MLRUNS
    if not mlruns.is_dir():
        return ()
    return (
        f"MLflow's data of this run lies in {mlruns}; it is kept with the run, but not part of its metrics:"
        f" 'mlrun run metrics -r {folder.path.name} --from-mlruns' shows them.",
    )


def _list_link_warnings(folder: RunFolder, data_links: Mapping[str, str]) -> tuple[str, ...]:
    # A link's target may have been uploaded under the name of the link.
    own = set(list_data_links(folder.work, data_links))
    links = [path for path in list_escaping_links(folder.work) if not os.path.lexists(folder.uploads / path)]
    links = [path for path in links if path not in own]
    if not links:
        return ()
    what = "a link that leads" if len(links) == 1 else f"{len(links)} links that lead"
    return (
        f"Not among the run's files: {format_first_names(links)} ({what} out of its working folder). Have the script"
        " copy files there instead, or keep them with upload_file or upload_folder.",
    )


def get_signal_name(signal_number: int) -> str:
    """Return the name of a signal, such as `SIGKILL` for 9, or `signal 42` if it has none."""
    try:
        return signal.Signals(signal_number).name
    except ValueError:
        return f"signal {signal_number}"


def clean_working_folder(workspace: Workspace, submission: Submission, folder: RunFolder) -> None:
    """Remove a run's secrets, and from its working folder what the script did not write or the run does not keep."""
    for file in (folder.secrets, folder.restarts):
        file.unlink(missing_ok=True)
    shutil.rmtree(folder.unfinished_work, ignore_errors=True)
    for upload in folder.path.glob(".upload-*"):  # the uploading process has ended
        upload.unlink(missing_ok=True)
    remove_data_links(folder.work, submission.data_links)
    snapshot = SnapshotStore(workspace.snapshots_folder).find_manifest(submission.snapshot_id)
    if snapshot is not None and folder.work.is_dir():
        remove_unchanged_files(snapshot, folder.work)
        remove_empty_script_folders(folder.work)
    if submission.keeps_outputs_only:
        _remove_all_but_outputs(folder.work)


def _remove_all_but_outputs(folder: Path) -> None:
    """Remove everything from a working folder except the script's `outputs` and `logs`; ignore errors."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SCRIPT_FOLDERS:
                    remove_tree(Path(entry.path))
            else:
                os.unlink(entry.path)


def write_outcome(folder: RunFolder, outcome: Outcome) -> None:
    """Write the outcome of a run to disk durably, before it is stored; recovery reads it if storing fails."""
    write_json(folder.outcome, outcome.to_json(), durable=True)


def read_outcome(folder: RunFolder) -> Outcome | None:
    """Return the outcome in a run's folder, or None if there is none or it cannot be read."""
    try:
        document = read_json(folder.outcome)
        return None if document is None else Outcome.from_json(document)
    except (OSError, KeyError, TypeError, ValueError):
        return None


def record_outcome(workspace: Workspace, run: Run, outcome: Outcome, redactor: Redactor | None = None) -> None:
    """Store the outcome of a run, and end the interactive runs of its script; leave an ended run unchanged.

    The run's `redactor`, if known, keeps its secrets out of notifications.
    """
    save_all_outputs(workspace, get_script_lock_name(run))
    with workspace.transaction(durable=True):
        end_runs_of_script(workspace, run, outcome.status, outcome.ended_at)
        workspace.runs.change_status(run.key, ALIVE_STATUSES, outcome.status, **outcome.to_columns())
    start_notifier(workspace, run, redactor)


def get_script_lock_name(run: Run) -> str:
    """Return the name of the owner lock of the interactive runs that a run's script starts."""
    return f"runs/{run.run_id}"


def end_runs_of_script(workspace: Workspace, run: Run, status: RunStatus, ended_at: int) -> None:
    """End the live interactive runs that a run's script has started, with this status, in the caller's transaction."""
    error = None
    if status is RunStatus.FAILED:
        message = f"The script of the run {run.run_id} failed before it had ended this one."
        error = build_run_error(message, reason=EndReason.PARENT_FAILED)
    workspace.runs.end_runs_of_owner(get_script_lock_name(run), status, ended_at=ended_at, error=error)
