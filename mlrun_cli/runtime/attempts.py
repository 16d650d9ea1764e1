"""The transition from one attempt of a run to the next, for supervisors and recovery."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.runs.attempt import (
    append_next_attempt,
    build_earlier_log_name,
    get_attempt_number,
    parse_attempts,
    replace_attempt_start,
    sum_earlier_durations,
)
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import RetryPolicy
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.finish import end_runs_of_script, get_script_lock_name
from mlrun_cli.runtime.tracked_outputs import save_all_outputs
from mlrun_cli.workspace import Workspace

_MAX_RESTARTS = 3
"""How often an attempt begins once more since its supervisor has ended before it had started the script."""
_MAY_GO_ON = ALIVE_STATUSES - {RunStatus.CANCEL_REQUESTED}


def begin_next_attempt(
    workspace: Workspace, run: Run, started_at: int | None, outcome: Outcome, status: RunStatus
) -> bool:
    """Save the outputs of the current attempt, and return what `store_next_attempt` returns in a transaction."""
    save_all_outputs(workspace, get_script_lock_name(run))
    with workspace.transaction(durable=True):
        return store_next_attempt(workspace, run, started_at, outcome, status)


def store_next_attempt(
    workspace: Workspace, run: Run, started_at: int | None, outcome: Outcome, status: RunStatus
) -> bool:
    """Record the end of the current attempt and the beginning of the next; return False if the run may not continue.

    All that the attempt has logged must be in the store, where it stays until the script of the next one starts (see
    `separate_attempt_values`). Interactive runs that its script has not ended end as Failed.
    """
    is_begun = workspace.runs.change_status(run.key, _MAY_GO_ON, status)
    if is_begun:
        _store_end_of_attempt(workspace, run, started_at, outcome)
    return is_begun


def store_attempt_begun_on_node(workspace: Workspace, run: Run, started_at: int, outcome: Outcome) -> None:
    """Record, in the caller's transaction, that a supervisor on a node has begun the next attempt of a run.

    This is so even if the run is to be canceled or was ended meanwhile: what is logged from now on is of the next
    attempt.
    """
    if run.status.is_terminal:
        workspace.runs.update(run.key, attempts=list(append_next_attempt(run.attempts, started_at, outcome)))
    else:
        workspace.runs.change_status(run.key, _MAY_GO_ON, RunStatus.STARTING)
        _store_end_of_attempt(workspace, run, started_at, outcome)
    workspace.metrics.begin_attempt(run.key)


def _store_end_of_attempt(workspace: Workspace, run: Run, started_at: int | None, outcome: Outcome) -> None:
    attempts = list(append_next_attempt(run.attempts, started_at, outcome))
    workspace.runs.update(run.key, attempts=attempts, wanted_status=None, wanted_error=None)
    end_runs_of_script(workspace, run, RunStatus.FAILED, outcome.ended_at)


def separate_attempt_values(workspace: Workspace, run: Run) -> None:
    """Separate the values of a new attempt, none of which may be stored yet, from the stored ones of earlier attempts.

    Of the values of earlier attempts, only those with a step stay: the attempt goes on with them, and replaces them
    from its own first step on.
    """
    with workspace.transaction():
        workspace.metrics.begin_attempt(run.key)


def separate_lost_attempt_values(workspace: Workspace, run: Run, folder: RunFolder) -> None:
    """Do what `separate_attempt_values` does for a retry that has started but whose supervisor died before doing so."""
    attempts = parse_attempts(run.attempts)
    if not attempts or attempts[-1].started_at is not None:
        return
    started_at = read_process_record(folder, attempts[-1].number).get("started_at")
    if isinstance(started_at, int):
        with workspace.transaction():
            workspace.metrics.begin_attempt(run.key)
            workspace.runs.update(run.key, attempts=list(replace_attempt_start(run.attempts, started_at)))


def queue_next_attempt(
    workspace: Workspace, run: Run, folder: RunFolder, policy: RetryPolicy, outcome: Outcome
) -> bool:
    """Queue a run for another start after its supervisor has ended; return False if the outcome is final.

    An attempt whose script has not been started begins once more, a few times, which uses up no retry.
    """
    run = workspace.runs.get_by_key(run.key)
    number = get_attempt_number(run.attempts)
    process = read_process_record(folder, number)
    started_at = process.get("started_at")
    retries = max(0, number - 2) if started_at is None else number - 1
    if not folder.secrets.exists() or not policy.allows(outcome, retries):
        return False
    if started_at is None:
        if not _record_restart(folder, number):
            return False
        with workspace.transaction(durable=True):
            return workspace.runs.change_status(run.key, _MAY_GO_ON, RunStatus.QUEUED)
    copy_attempt_logs(folder, process, number)
    return begin_next_attempt(workspace, run, started_at, outcome, RunStatus.QUEUED)


def _record_restart(folder: RunFolder, attempt_number: int) -> bool:
    """Count a restart of an attempt; return False if there were too many, or if the count cannot be written."""
    count = 0
    with suppress(OSError):
        document = read_json(folder.restarts)
        if document is not None and document.get("attempt") == attempt_number:
            count = int(document.get("count", 0))
    if count >= _MAX_RESTARTS:
        return False
    try:
        write_json(folder.restarts, {"attempt": attempt_number, "count": count + 1})
    except OSError:
        return False
    return True


def read_process_record(folder: RunFolder, attempt_number: int) -> Mapping[str, Any]:
    """Return the supervisor's record of an attempt's processes, or an empty mapping if there is none."""
    with suppress(OSError):
        document = read_json(folder.process)
        if document is not None and document.get("attempt", 1) == attempt_number:
            return document
    return {}


def copy_attempt_logs(folder: RunFolder, process_record: Mapping[str, Any], attempt_number: int) -> None:
    """Copy the output of an attempt from the run's logs to separate logs; ignore errors such as a full disk."""
    for log, offset in process_record.get("log_offsets", {}).items():
        with suppress(OSError), (folder.artifacts / log).open("rb") as source:
            source.seek(offset)
            path = folder.artifacts / build_earlier_log_name(log, attempt_number)
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as kept:
                shutil.copyfileobj(source, kept, 1 << 20)


def add_earlier_durations(run: Run, outcome: Outcome) -> Outcome:
    """Return an outcome with the durations of the run's earlier attempts added."""
    earlier = sum_earlier_durations(run.attempts)
    return outcome if not earlier else outcome._replace(duration_seconds=earlier + (outcome.duration_seconds or 0.0))
