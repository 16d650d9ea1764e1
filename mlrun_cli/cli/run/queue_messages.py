"""Messages about why a streamed run waits, printed whenever the reason changes."""

from __future__ import annotations

import time
from collections.abc import Callable

from mlrun_cli.actions.runs import prepare_for_display
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 1.0
_MAX_SECONDS = 60.0


class QueueMessages:
    """Prints the reasons why a run waits, after it has waited for a moment and whenever they change.

    The interval between two messages grows with each message, because queues may be long.
    """

    def __init__(self, workspace: Workspace, run: Run, report: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._run = run
        self._report = report
        self._pause = _TIMEOUT_SECONDS
        self._next_look = 0.0
        self._told: str | None = None

    def print_changes(self) -> None:
        """Print why the run waits, if the reason has changed; to be called repeatedly."""
        moment = time.monotonic()
        self._next_look = self._next_look or moment + self._pause
        if moment < self._next_look:
            return
        (run,) = prepare_for_display(self._workspace, [self._workspace.runs.get_by_key(self._run.key)], frozenset())
        if run.waiting_for is not None and run.waiting_for != self._told:
            from mlrun_cli.cli.output.columns import localize_times  # noqa: PLC0415 - start-up

            label = "Queued" if run.status is RunStatus.QUEUED else "Waiting for"
            self._report(f"{label}: {localize_times(run.waiting_for)}.\n")
            self._told = run.waiting_for
            self._pause = min(2 * self._pause, _MAX_SECONDS)
        self._next_look = moment + self._pause
