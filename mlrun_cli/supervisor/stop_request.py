"""The request to stop a run before its script has ended: its reason and its grace."""

from __future__ import annotations

import time
from signal import SIGKILL, SIGTERM

from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.supervisor.container import ContainerTermination
from mlrun_cli.supervisor.process_group import ProcessGroup


class StopRequest:
    """The request to stop a run; a later cancel can only shorten its grace.

    Attributes:
        reason: why the run is to stop; None as long as it is not.
        was_delivered: whether SIGTERM came to processes that had not failed before.
        container_termination: ends the containers of the script, if it has some.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self.was_delivered = False
        self.container_termination: ContainerTermination | None = None
        self._kill_at: float | None = None
        self._cancel_grace: float | None = None

    @property
    def grace_left(self) -> float:
        """The seconds that are left of the grace; without a request, those of a new one."""
        return GRACE_SECONDS if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def make(
        self, reason: StopReason, group: ProcessGroup | None, moment: float, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        """Send SIGTERM, and SIGKILL once the grace is over; an earlier request stays in force."""
        if self.reason is not None:
            return
        self.reason = reason
        self._kill_at = moment + grace_seconds
        if group is not None:
            self.was_delivered = group.signal(SIGTERM)

    def make_cancel(self, run: Run, group: ProcessGroup | None, moment: float) -> None:
        """Stop a run that is CancelRequested, with the grace of the latest cancel."""
        grace_seconds = run.cancel_grace_seconds
        grace = GRACE_SECONDS if grace_seconds is None else grace_seconds
        if self.reason is None:
            self.make(StopReason.CANCEL, group, moment, grace)
        elif self._kill_at is not None and grace_seconds != self._cancel_grace:
            self._kill_at = min(self._kill_at, moment + grace)
        self._cancel_grace = grace_seconds

    def kill_if_due(self, group: ProcessGroup, moment: float) -> None:
        """Send SIGKILL once the grace is over and the containers have been ended."""
        if self._kill_at is None or moment < self._kill_at:
            return
        if self.container_termination is None or self.container_termination.is_over(moment):
            group.signal(SIGKILL)
