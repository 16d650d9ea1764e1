"""Details of a run, derived from its record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.attempt import Attempt, get_attempt_log_name, list_attempts
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run, find_run_outcome
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags
from mlrun_cli.wire.run_error import get_inner_error_code

_MAX_PACKAGES = 2000
_GIT_PROPERTIES = (
    ("Repository", "azureml.git.repository_uri"),
    ("Branch", "azureml.git.branch"),
    ("Commit", "azureml.git.commit"),
    ("Uncommitted changes", "azureml.git.dirty"),
)


class StatusSpan(NamedTuple):
    """A status with its start time and its duration, which is None for a terminal status."""

    status: RunStatus
    since: int
    seconds: float | None


class Failure(NamedTuple):
    """The reason why a run did not complete.

    Attributes:
        title: the error, or else the signal or exit code of the script.
        notes: further details.
        trace: the exception's traceback; may be empty.
        is_cancellation: whether the run was canceled.
    """

    title: str
    notes: Sequence[str] = ()
    trace: str = ""
    is_cancellation: bool = False


class AttemptDetails(NamedTuple):
    """One of several starts of a run's script; `ending` is empty while it has not ended."""

    number: int
    started_at: int | None
    ended_at: int | None
    ending: str
    log_name: str


def list_attempt_details(run: Run) -> Sequence[AttemptDetails]:
    """Return the attempts of a run, oldest first, or an empty sequence if there was only one."""
    attempts = list_attempts(run.attempts, find_run_outcome(run))
    return [
        AttemptDetails(
            each.number,
            each.started_at,
            each.ended_at,
            _describe_ending(each),
            get_attempt_log_name(each, len(attempts)),
        )
        for each in attempts
    ]


def _describe_ending(attempt: Attempt) -> str:
    """Return how an attempt ended, such as `Exit code 1`, or an empty string while it has not ended."""
    if attempt.ended_at is None:
        return ""
    how = f"Signal {attempt.signal}" if attempt.signal else f"Exit code {attempt.exit_code}"
    if attempt.signal is None and attempt.exit_code is None:
        how = ""
    return ", ".join(filter(None, (attempt.reason, how))) or "Ended"


def get_shown_tags(run: Run) -> Mapping[str, str | None]:
    """Return the tags of a run, except those in which sweeps and MLflow store documents."""
    return drop_bookkeeping_tags(run.run_type, run.run_id, run.tags)


def compute_status_spans(history: Sequence[tuple[RunStatus, int]]) -> Sequence[StatusSpan]:
    """Return the statuses of a run's history with their durations; an active status lasts until now."""
    ends = [since for _, since in history[1:]]
    spans = []
    for number, (status, since) in enumerate(history):
        is_over = number < len(ends)
        if is_over or not status.is_terminal:
            end = ends[number] if is_over else now()
            spans.append(StatusSpan(status, since, max(0, end - since) / MICROSECONDS))
        else:
            spans.append(StatusSpan(status, since, None))
    return spans


def find_failure(run: Run) -> Failure | None:
    """Return details of why a run failed or was canceled, or None without an error, exit code or signal."""
    error: Mapping[str, Any] = (run.error or {}).get("error") or {}
    debug: Mapping[str, Any] = error.get("debugInfo") or {}
    exit_text = f"Signal {run.signal}" if run.signal else f"Exit code {run.exit_code}" if run.exit_code else ""
    if not error and not exit_text:
        return None
    if not error and run.status is RunStatus.CANCELED:
        reason = f"stopped by {run.signal}" if run.signal else f"ended with exit code {run.exit_code}"
        return Failure(f"{run.status.value}: {reason}", is_cancellation=True)
    kind = debug.get("type")
    message = str(error.get("message") or "")
    title = f"{kind}: {message}" if kind and not message.startswith(str(kind)) else message
    parts = [text for text in (title, str(error.get("code") or ""), get_inner_error_code(run.error), exit_text) if text]
    return Failure(parts[0], parts[1:], str(debug.get("stackTrace") or ""))


def format_command_line(run: Run) -> str:
    """Return a run's script or command with its arguments, quoted for a shell, or an empty string without one."""
    definition: Mapping[str, Any] = run.definition or {}
    command = definition.get("command")
    if command:
        return command if isinstance(command, str) else shlex.join(map(str, command))
    if not definition.get("script"):
        return ""
    return shlex.join([str(definition["script"]), *map(str, definition.get("arguments") or ())])


def list_git_details(run: Run) -> Sequence[tuple[str, str]]:
    """Return the git state of a run's source as pairs of a name and a value; empty if it was in no repository."""
    return [(name, run.properties[key]) for name, key in _GIT_PROPERTIES if run.properties.get(key)]


def read_environment_details(run: Run, folder: RunFolder) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """Return details about a run's environment as pairs of a name and a value, and the list of installed packages."""
    section: Mapping[str, Any] = ((run.definition or {}).get("environment") or {}).get("python") or {}
    record = read_json(folder.environment_record) or {}
    details = [
        ("Interpreter", section.get("interpreterPath") if section.get("userManagedDependencies") else None),
        ("Python", record.get("python")),
        ("Built by", record.get("builder")),
        ("Image", record.get("image")),
        ("Kept as", record.get("key")),
        ("As of", " ".join(filter(None, (record.get("day"), record.get("day_source"))))),
        ("Left open", ", ".join(record.get("loosened") or ())),
    ]
    return [(name, str(value)) for name, value in details if value], list(record.get("installed") or ())[:_MAX_PACKAGES]
