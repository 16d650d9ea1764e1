"""What the details of a run say, worked out of its record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus

_MOST_PACKAGES = 2000
_GIT_FACTS = (
    ("Repository", "azureml.git.repository_uri"),
    ("Branch", "azureml.git.branch"),
    ("Commit", "azureml.git.commit"),
    ("Uncommitted changes", "azureml.git.dirty"),
)


class StatusSpan(NamedTuple):
    """A status that the run had, from a moment on; `seconds` until the next one, None in the last one."""

    status: RunStatus
    since: int
    seconds: float | None


class Fault(NamedTuple):
    """Why a run did not complete.

    Attributes:
        title: what is known of it at the least.
        notes: what else.
        trace: of the exception; may be empty.
        is_wanted: whether it was cancelled.
    """

    title: str
    notes: Sequence[str] = ()
    trace: str = ""
    is_wanted: bool = False


def status_spans(history: Sequence[tuple[RunStatus, int]]) -> Sequence[StatusSpan]:
    """The statuses with how long each was held, in their order."""
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


def fault_of(run: Run) -> Fault | None:
    """What went wrong; None when nothing did."""
    error: Mapping[str, Any] = (run.error or {}).get("error") or {}
    debug: Mapping[str, Any] = error.get("debugInfo") or {}
    ended = f"Signal {run.signal}" if run.signal else f"Exit code {run.exit_code}" if run.exit_code else ""
    if not error and not ended:
        return None
    if not error and run.status is RunStatus.CANCELED:
        how = f"stopped by {run.signal}" if run.signal else f"ended with exit code {run.exit_code}"
        return Fault(f"{run.status.value}: {how}", is_wanted=True)
    kind = debug.get("type")
    message = str(error.get("message") or "")
    title = f"{kind}: {message}" if kind and not message.startswith(str(kind)) else message
    said = [text for text in (title, str(error.get("code") or ""), ended) if text]
    return Fault(said[0], said[1:], str(debug.get("stackTrace") or ""))


def started_line(run: Run) -> str:
    """The script or command with its arguments, as a shell would take it; nothing for a run without one."""
    definition: Mapping[str, Any] = run.definition or {}
    command = definition.get("command")
    if command:
        return command if isinstance(command, str) else shlex.join(map(str, command))
    if not definition.get("script"):
        return ""
    return shlex.join([str(definition["script"]), *map(str, definition.get("arguments") or ())])


def git_facts(run: Run) -> Sequence[tuple[str, str]]:
    """Where the source stood in git; nothing where it was in none."""
    return [(name, run.properties[key]) for name, key in _GIT_FACTS if run.properties.get(key)]


def environment_facts(run: Run, folder: RunFolder) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """Names and values of what the script ran in, and the packages that were installed for it."""
    section: Mapping[str, Any] = ((run.definition or {}).get("environment") or {}).get("python") or {}
    record = read_json(folder.environment_record) or {}
    facts = [
        ("Interpreter", section.get("interpreterPath") if section.get("userManagedDependencies") else None),
        ("Python", record.get("python")),
        ("Built by", record.get("builder")),
        ("Image", record.get("image")),
        ("Kept as", record.get("key")),
        ("As of", " ".join(filter(None, (record.get("day"), record.get("day_source"))))),
        ("Left open", ", ".join(record.get("loosened") or ())),
    ]
    return [(name, str(value)) for name, value in facts if value], list(record.get("installed") or ())[:_MOST_PACKAGES]
