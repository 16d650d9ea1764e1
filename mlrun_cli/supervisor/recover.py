"""Mends runs whose supervisor is gone: takes in what is left, ends what is left, records what happened."""

from __future__ import annotations

import os
from contextlib import suppress

from mlrun_cli.domain.moment import MICROSECONDS, now
from mlrun_cli.domain.outcome import Outcome
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_error import SERVICE_ERROR, run_error
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.domain.submission import Submission
from mlrun_cli.execution.finish import (
    end_processes,
    keep_what_the_script_wrote,
    record_outcome,
    write_outcome,
)
from mlrun_cli.execution.host import this_origin
from mlrun_cli.execution.journals import JournalReader
from mlrun_cli.execution.liveness import LEASE_SECONDS, may_judge
from mlrun_cli.execution.process import started_for
from mlrun_cli.execution.run_lock import RunLock
from mlrun_cli.files.run_folder import RunFolder, read_json
from mlrun_cli.workspace import Workspace

_WHILE = {
    RunStatus.NOT_STARTED: "before it had started the run",
    RunStatus.QUEUED: "before it had started the run",
    RunStatus.PREPARING: "while it prepared the environment and the working copy",
    RunStatus.STARTING: "while it started the script",
    RunStatus.FINALIZING: "after the script had ended, before it could record how",
}


def recover_all(workspace: Workspace, first_run_id: str) -> None:
    """Mend the run whose lock this process was handed, then every other that nobody minds."""
    recover(workspace, workspace.runs.get(first_run_id))
    for run in workspace.runs.alive():
        if not may_judge(run):
            continue
        with suppress(FileNotFoundError):
            lock = RunLock.open(workspace.run_folder(run.run_id).lock)
            if lock.try_take():
                lock.say_mending()
                recover(workspace, run)
            lock.close()


def recover(workspace: Workspace, run: Run) -> None:
    """Mend one run, whose lock is held."""
    if run.status.is_terminal:
        return
    folder = workspace.run_folder(run.run_id)
    had_processes = bool(started_for(run.run_id))
    end_processes(lambda: started_for(run.run_id), 0.0)
    reader = JournalReader(workspace, run.key, folder)
    reader.take_in_all()
    reader.close()
    outcome = _written_outcome(folder)
    if outcome is None:
        outcome = _lost(workspace.runs.get_by_key(run.key), folder, had_processes=had_processes)
        write_outcome(folder, outcome)
    submission = read_json(folder.submission)
    if submission is not None:
        keep_what_the_script_wrote(workspace, Submission.from_json(submission), folder)
    folder.socket.unlink(missing_ok=True)
    record_outcome(workspace, run.key, outcome)


def _written_outcome(folder: RunFolder) -> Outcome | None:
    document = read_json(folder.outcome)
    return None if document is None else Outcome.from_json(document)


def _lost(run: Run, folder: RunFolder, *, had_processes: bool) -> Outcome:
    """What is to be said of a run that ended without anybody to record it."""
    sign_of_life = _last_sign_of_life(run, folder)
    ended_at = now() if had_processes else sign_of_life
    started_at = run.started_at or _started_at(folder)
    duration = None if started_at is None else max(0, ended_at - started_at) / MICROSECONDS
    if run.status is RunStatus.CANCEL_REQUESTED:
        return Outcome(RunStatus.CANCELED, ended_at, duration)
    who = "The machine was restarted" if _is_of_another_boot(run) else "The supervisor of the run died"
    when = _WHILE.get(run.status, "while the script ran")
    if _is_of_another_boot(run):
        when = when.replace(" it ", " the supervisor ", 1)
    return Outcome(RunStatus.FAILED, ended_at, duration, error=run_error(f"{who} {when}.", code=SERVICE_ERROR))


def _is_of_another_boot(run: Run) -> bool:
    here = this_origin()
    return run.origin is not None and run.origin.host_id == here.host_id and run.origin.boot_id != here.boot_id


def _started_at(folder: RunFolder) -> int | None:
    process = read_json(folder.process)
    return None if process is None else int(process["started_at"])


def _last_sign_of_life(run: Run, folder: RunFolder) -> int:
    """The latest moment at which the run is known to have been alive."""
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
