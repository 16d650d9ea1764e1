"""The statuses of a run, in Azure's words, and which change is allowed."""

from __future__ import annotations

from enum import Enum


class RunStatus(str, Enum):
    """Where a run stands."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    NOT_RESPONDING = "NotResponding"
    PAUSED = "Paused"
    PAUSING = "Pausing"
    UNAPPROVED = "Unapproved"

    @property
    def is_terminal(self) -> bool:
        """Whether a run in this status has ended for good."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED})
ALIVE_STATUSES = frozenset(RunStatus) - TERMINAL_STATUSES
