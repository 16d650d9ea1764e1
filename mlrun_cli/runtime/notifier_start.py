"""The start of notifiers, programs that send notifications about ended runs, and the hand-over of further runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.notifications.rules import RULES_NAME, read_rules
from mlrun_cli.notifications.spool import NotificationSpool
from mlrun_cli.processes.line_queue import LineQueue
from mlrun_cli.processes.secret_pipe import format_secrets
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.programs import NOTIFIER_PROGRAM, build_program_command, get_supervisor_log_path, spawn
from mlrun_cli.workspace import Workspace

_MAX_RUNS = 1000
"""The most runs of one line, and of one command line, whose length is limited."""

_MAX_LETTERS = 1 << 16
"""The most letters of secrets, which have to fit into the queue before anybody reads it; the shortest come first."""


class _Settings(NamedTuple):
    """The settings with which a notifier is started; runs with other settings need another notifier."""

    folder: str
    secrets: str
    variables: Mapping[str, str]
    pid: int


class _Notifier(NamedTuple):
    """A notifier that this process has started, which may have ended."""

    settings: _Settings
    queue: LineQueue
    spool: NotificationSpool

    def add_runs(self, run_ids: Sequence[str]) -> bool:
        """Pass further runs to the notifier; return False if it accepts no more."""
        try:
            self.spool.add(run_ids)
        except OSError:  # it has ended
            return False
        if self.queue.send(json.dumps(run_ids)):
            return True
        self.spool.withdraw(run_ids)
        return False


_last_notifier: list[_Notifier] = []
"""The notifier that this process has started last; or nothing."""


def start_notifier(workspace: Workspace, run: Run, redactor: Redactor | None = None) -> None:
    """Start sending the messages about an ended run to its addresses, if it has any; failures are only logged.

    The program claims the run before it sends anything, so each address is notified once, whoever calls this; if it is
    killed, the next one sends what is left in its spool, and perhaps repeats a message. One that this process has
    started, and that still works, takes further runs. It gets the secrets of the run's `redactor`, if that is known,
    since the last lines of a log may repeat them.
    """
    folder = workspace.get_run_folder(run.run_id)
    if run.parent_run_id is not None and not folder.notify.exists():
        return
    if not folder.notify.exists() and not os.path.exists(workspace.folder / RULES_NAME):
        return
    try:
        _pass_to_notifier(workspace, [run.run_id], redactor or workspace.redactor)
    except Exception:  # nothing may keep a run from ending
        log_exception()


def start_notifier_for_interactive_runs(workspace: Workspace, run_keys: Sequence[int], status: RunStatus) -> None:
    """Start sending messages about interactive runs that ended with a status and that match a notification rule.

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
        for start in range(0, len(matching), _MAX_RUNS):
            _pass_to_notifier(workspace, matching[start : start + _MAX_RUNS], workspace.redactor)
    except Exception:  # nothing may keep a run from ending
        log_exception()


def _pass_to_notifier(workspace: Workspace, run_ids: Sequence[str], redactor: Redactor) -> None:
    """Pass runs to the notifier that this process has started, or start a notifier for them."""
    settings = _Settings(os.fspath(workspace.folder), format_secrets(redactor), dict(os.environ), os.getpid())
    for notifier in _last_notifier:
        if notifier.settings == settings and notifier.add_runs(run_ids):
            return
    _last_notifier.clear()
    started = _spawn_notifier(workspace, run_ids, settings)
    if started is not None:
        _last_notifier.append(started)


def _spawn_notifier(workspace: Workspace, run_ids: Sequence[str], settings: _Settings) -> _Notifier | None:
    """Start a notifier with runs and return it, or None if secrets leave no room to pass further runs."""
    spool = NotificationSpool.create(workspace.folder)
    try:
        spool.add(run_ids)
        spool_words = ["--spool", f"{spool.lock_descriptor}:{spool.path.name}"]
        words = build_program_command(
            NOTIFIER_PROGRAM, ["--workspace", os.fspath(workspace.folder), *spool_words, *run_ids]
        )
        log_path = get_supervisor_log_path(workspace.get_run_folder(run_ids[0]))
        queue = LineQueue()
        has_room = queue.send(f"{settings.secrets[:_MAX_LETTERS]}\n[]")
        with queue.receiving_end as receiving_end:
            spawn(words, run_ids[0], [spool.lock_descriptor], log_path, stdin=receiving_end.fileno())
    finally:
        os.close(spool.lock_descriptor)  # the notifier has it
    return _Notifier(settings, queue, spool) if has_room else None
