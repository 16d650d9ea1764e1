"""The notifier program, which claims ended runs and sends one message about each to each address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from mlrun_cli.notifications.spool import NotificationSpool
from mlrun_cli.notifier.dispatch import NotificationDispatch
from mlrun_cli.notifier.received_lines import receive_lines
from mlrun_cli.processes.secret_pipe import build_process_redactor
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available

_IDLE_SECONDS = 2.0
"""The time for which the process waits for further runs of a process that ends many, one after another."""


def main(argv: list[str]) -> None:
    """Send notifications about the runs named on the command line, those read from standard input, and abandoned ones.

    The secrets come first there, as JSON strings, then the ids of runs, as JSON lists. A process of an older version
    sends only secrets, and has no spool.
    """
    _, folder, *words = argv
    lines = receive_lines(_IDLE_SECONDS)
    redactor = build_process_redactor(takewhile(lambda line: not _is_run_id_list(line), lines))
    spool = None
    if words[:1] == ["--spool"]:
        descriptor, _, name = words[1].partition(":")
        words, spool = words[2:], NotificationSpool.open_locked(Path(folder), name, int(descriptor))
    detach_program(Path(folder), *(() if spool is None else (spool.lock_descriptor,)))
    spool = spool or NotificationSpool.create(Path(folder))
    with open_workspace_when_available(Path(folder), Path("runs"), redactor) as workspace:
        dispatch = NotificationDispatch(workspace)
        for run_id in words:
            dispatch.notify(spool, run_id)
        abandoned = list(NotificationSpool.adopt_abandoned(Path(folder)))
        for other in abandoned:
            for run_id in other.list_run_ids():
                dispatch.notify(other, run_id, is_abandoned=True)
        for run_id in _iterate_run_ids(lines):
            dispatch.notify(spool, run_id)
        dispatch.finish()
    for each in (spool, *abandoned):
        each.close()


def _iterate_run_ids(lines: Iterable[str]) -> Iterator[str]:
    for line in filter(_is_run_id_list, lines):
        yield from json.loads(line)


def _is_run_id_list(line: str) -> bool:
    return line.startswith("[") and line.endswith("]")
