"""Starting the program that sends notifications about an ended run."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.notifications.rules import RULES_NAME
from mlrun_cli.processes.secret_pipe import open_secret_pipe
from mlrun_cli.runs.run import Run
from mlrun_cli.targets.programs import NOTIFIER_PROGRAM, build_program_command, get_supervisor_log_path, spawn
from mlrun_cli.workspace import Workspace


def start_notifier(workspace: Workspace, run: Run, redactor: Redactor | None = None) -> None:
    """Start the notifier for an ended run if it has addresses to notify; failures are only logged.

    The program claims the run before it sends anything, so each address is notified at most once, whoever calls this.
    The program gets the secrets of the run's `redactor`, if that is known, since the last lines of a log may repeat
    them.
    """
    folder = workspace.run_folder(run.run_id)
    if run.parent_run_id is not None and not folder.notify.exists():
        return
    if not folder.notify.exists() and not has_rules(workspace):
        return
    words = build_program_command(NOTIFIER_PROGRAM, ["--workspace", os.fspath(workspace.folder), run.run_id])
    try:
        secrets = open_secret_pipe(redactor or workspace.redactor)
        try:
            spawn(words, run.run_id, (), _get_log_path(workspace, run), stdin=secrets)
        finally:
            os.close(secrets)
    except Exception:  # nothing may keep a run from ending
        log_exception()


def has_rules(workspace: Workspace) -> bool:
    """Return whether a workspace may have notification rules."""
    return os.path.exists(workspace.folder / RULES_NAME)


def _get_log_path(workspace: Workspace, run: Run) -> Path:
    return get_supervisor_log_path(workspace.run_folder(run.run_id))
