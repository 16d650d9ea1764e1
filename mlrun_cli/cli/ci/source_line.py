"""The line of user code at which a run failed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.workspace import Workspace

_FRAME = r'File "([^"\n]+)", line (\d+)'
_INSTALLED = ("site-packages", "dist-packages")


class SourceLine(NamedTuple):
    """A line of a file; `file` is relative to the root of the repository, or absolute if outside it."""

    file: str
    line: int


def find_failed_line(workspace: Workspace, run: Run, repository: str | None) -> SourceLine | None:
    """Return the last line of user code in a run's traceback, or None if there is none.

    Args:
        workspace: the workspace of the run.
        run: a run that has ended.
        repository: the folder of the repository; None for the one around the source of the run.
    """
    inner = find_user_frame(_get_stack_trace(run.error), run.run_id)
    if inner is None:
        return None
    source = _find_source_folder(workspace, run)
    if source is None:
        return inner
    path = source / inner.file
    root = Path(repository) if repository else _find_repository(source)
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return inner._replace(file=path.as_posix())


def find_user_frame(stack_trace: str, run_id: str) -> SourceLine | None:
    """Return the last line of user code in a stack trace, with its file relative to the working folder, or None."""
    work = f"/{run_id}/work/"
    for path, line in reversed(re.findall(_FRAME, stack_trace)):
        _, found, inner = path.partition(work)
        if found and not any(part in _INSTALLED for part in inner.split("/")):
            return SourceLine(inner, int(line))
    return None


def _get_stack_trace(error: Mapping[str, Any] | None) -> str:
    details = ((error or {}).get("error") or {}).get("debugInfo") or {}
    return str(details.get("stackTrace") or "")


def _find_source_folder(workspace: Workspace, run: Run) -> Path | None:
    """Return the folder from which a run's snapshot was taken, or None if it is unknown."""
    try:
        document = read_json(workspace.get_run_folder(run.run_id).submission)
        submission = None if document is None else Submission.from_json(document)
    except (OSError, KeyError, TypeError, ValueError):
        return None
    if submission is None:
        return None
    folder = submission.get_submit_options().source_directory or submission.folder
    return None if folder is None else Path(os.path.realpath(folder))


def _find_repository(folder: Path) -> Path | None:
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
