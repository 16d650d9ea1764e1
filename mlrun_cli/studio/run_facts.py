"""What the details of a run say, worked out of its record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlrun_cli.domain.moment import MICROSECONDS, now
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.files.run_folder import RunFolder, read_json

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
    """Why a run did not complete, in the parts that its record has."""

    code: str
    message: str
    trace: str
    ended: str


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
    ended = f"Signal {run.signal}" if run.signal else "" if run.exit_code in {None, 0} else f"Exit code {run.exit_code}"
    if not error and not ended:
        return None
    kind = debug.get("type")
    message = str(error.get("message") or "")
    return Fault(
        code=str(error.get("code") or ""),
        message=f"{kind}: {message}" if kind and not message.startswith(str(kind)) else message,
        trace=str(debug.get("stackTrace") or ""),
        ended=ended,
    )


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
        ("Left open", ", ".join(record.get("loosened") or ())),
    ]
    return [(name, str(value)) for name, value in facts if value], list(record.get("installed") or ())[:_MOST_PACKAGES]
