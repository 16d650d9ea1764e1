"""Starting the program that sends notifications about ended runs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.notifications.rules import RULES_NAME, read_rules
from mlrun_cli.processes.secret_pipe import open_secret_pipe
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.programs import NOTIFIER_PROGRAM, build_program_command, get_supervisor_log_path, spawn
from mlrun_cli.workspace import Workspace

_MOST_RUNS = 1000
"""The most runs of one notifier, since the length of a command line is limited."""


def start_notifier(workspace: Workspace, run: Run, redactor: Redactor | None = None) -> None:
    """Start the notifier for an ended run if it has addresses to notify; failures are only logged.

    The program claims the run before it sends anything, so each address is notified at most once, whoever calls this.
    The program gets the secrets of the run's `redactor`, if that is known, since the last lines of a log may repeat
    them.
    """
    folder = workspace.run_folder(run.run_id)
    if run.parent_run_id is not None and not folder.notify.exists():
        return
    if not folder.notify.exists() and not os.path.exists(workspace.folder / RULES_NAME):
        return
    try:
        _spawn_notifier(workspace, [run.run_id], redactor or workspace.redactor)
    except Exception:  # nothing may keep a run from ending
        log_exception()


def start_notifier_for_interactive_runs(workspace: Workspace, run_keys: Sequence[int], status: RunStatus) -> None:
    """Start one notifier for interactive runs that have ended with a status, if a rule matches any of them.

    Interactive runs have no addresses of their own. Failures are only logged.
    """
    try:
        outcome = status.value.lower()
        rules = [rule for rule in read_rules(workspace.folder) if outcome in rule.on]
        runs = workspace.runs.list_by_keys(run_keys) if rules else ()
        matching = [
            run.run_id
            for run in runs
            if run.parent_run_id is None and any(rule.matches(outcome, run.experiment_name) for rule in rules)
        ]
        for start in range(0, len(matching), _MOST_RUNS):
            _spawn_notifier(workspace, matching[start : start + _MOST_RUNS], workspace.redactor)
    except Exception:  # nothing may keep a run from ending
        log_exception()


def _spawn_notifier(workspace: Workspace, run_ids: Sequence[str], redactor: Redactor) -> None:
    words = build_program_command(NOTIFIER_PROGRAM, ["--workspace", os.fspath(workspace.folder), *run_ids])
    log_path = get_supervisor_log_path(workspace.run_folder(run_ids[0]))
    secrets = open_secret_pipe(redactor)
    try:
        spawn(words, run_ids[0], (), log_path, stdin=secrets)
    finally:
        os.close(secrets)
