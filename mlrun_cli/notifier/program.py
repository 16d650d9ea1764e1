"""The notifier program, which claims ended runs and sends one message about each to each address."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, takewhile
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.notifications.address import redact_address
from mlrun_cli.notifications.rules import read_rules
from mlrun_cli.notifier.message import build_message
from mlrun_cli.notifier.sending import SendingFailed, send_message
from mlrun_cli.processes.line_queue import receive_lines
from mlrun_cli.processes.secret_pipe import build_process_redactor
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available
from mlrun_cli.workspace import Workspace

_IDLE_SECONDS = 2.0
"""The time for which the process waits for further runs of a process that ends many, one after another."""


def main(argv: list[str]) -> None:
    """Send notifications about the runs named on the command line and those read from standard input.

    The secrets come first there, as JSON strings, then the ids of runs, as JSON lists. A process of an older version
    sends only secrets.
    """
    _, folder, *run_ids = argv
    lines = receive_lines(_IDLE_SECONDS)
    redactor = build_process_redactor(takewhile(lambda line: not _is_list(line), lines))
    detach_program(Path(folder))
    with open_workspace_when_available(Path(folder), Path("runs"), redactor) as workspace:
        for run_id in chain(run_ids, _iterate_run_ids(lines)):
            try:
                run = workspace.runs.get(run_id)
                if run.status.is_terminal:
                    notify_addresses(workspace, run)
            except Exception:  # the other runs are notified of
                log_exception()


def _iterate_run_ids(lines: Iterable[str]) -> Iterator[str]:
    for line in filter(_is_list, lines):
        yield from json.loads(line)


def _is_list(line: str) -> bool:
    return line.startswith("[") and line.endswith("]")


def notify_addresses(workspace: Workspace, run: Run) -> None:
    """Send a message about an ended run to each of its addresses; failures become warnings of the run."""
    folder = workspace.run_folder(run.run_id)
    addresses = _claim_notification(workspace, run, folder)
    if not addresses:
        return
    message = build_message(workspace, run)
    warnings = []
    for address in addresses:
        try:
            send_message(address, message)
        except SendingFailed as error:
            warnings.append(f"No notification to {redact_address(address)}: {error}")
    if warnings:
        _add_warnings(workspace, run, warnings)


def _claim_notification(workspace: Workspace, run: Run, folder: RunFolder) -> Sequence[str]:
    """Claim the notification about a run and return its addresses; none if another process has claimed it."""
    try:
        os.close(os.open(folder.notified, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        given = (read_json(folder.notify) or {}).get("addresses", ())
        folder.notify.unlink(missing_ok=True)
    except FileExistsError:
        return ()
    except OSError:  # the run has been deleted
        log_exception()
        return ()
    rules = () if run.parent_run_id is not None else read_rules(workspace.folder)
    matching = [rule.address for rule in rules if rule.matches(run.status.value.lower(), run.experiment_name)]
    return list(dict.fromkeys([*map(str, given), *matching]))


def _add_warnings(workspace: Workspace, run: Run, warnings: Sequence[str]) -> None:
    with workspace.transaction():
        before = workspace.runs.get_by_key(run.key).warnings
        workspace.runs.update(run.key, warnings=[*before, *warnings])
