"""A request to stop a run before its script has ended, with a reason and a grace period."""

from __future__ import annotations

import time
from signal import SIGKILL, SIGTERM

from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.supervisor.container import ContainerTermination
from mlrun_cli.supervisor.process_group import ProcessGroup


class StopRequest:
    """The request to stop a run, if there is one; a later cancel can only shorten its grace period.

    Attributes:
        reason: the reason for the request; None while nothing has been requested.
        was_delivered: whether SIGTERM was sent to processes that had not failed before.
        container_termination: the termination of the script's containers; None if there are none.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self.was_delivered = False
        self.container_termination: ContainerTermination | None = None
        self._kill_at: float | None = None
        self._cancel_grace: float | None = None

    @property
    def remaining_grace_seconds(self) -> float:
        """The remaining seconds of the grace period, or the default grace period if there is no request."""
        return GRACE_SECONDS if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def request_stop(
        self, reason: StopReason, group: ProcessGroup | None, now: float, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        """Send SIGTERM, and schedule SIGKILL for the end of the grace period, unless a stop is already requested."""
        if self.reason is not None:
            return
        self.reason = reason
        self._kill_at = now + grace_seconds
        if group is not None:
            self.was_delivered = group.signal(SIGTERM)

    def apply_cancel_request(self, run: Run, group: ProcessGroup | None, now: float) -> None:
        """Request the stop of a run that is to be canceled, with the grace period of its latest cancel request."""
        grace_seconds = run.cancel_grace_seconds
        grace = GRACE_SECONDS if grace_seconds is None else grace_seconds
        if self.reason is None:
            self.request_stop(StopReason.CANCEL, group, now, grace)
        elif self._kill_at is not None and grace_seconds != self._cancel_grace:
            self._kill_at = min(self._kill_at, now + grace)
        self._cancel_grace = grace_seconds

    def kill_if_due(self, group: ProcessGroup, now: float) -> None:
        """Send SIGKILL if the grace period is over and the termination of the containers has completed."""
        if self._kill_at is None or now < self._kill_at:
            return
        if self.container_termination is None or self.container_termination.advance(now):
            group.signal(SIGKILL)
