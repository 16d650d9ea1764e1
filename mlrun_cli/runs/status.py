"""The statuses of a run, in Azure's terms."""

from __future__ import annotations

from enum import Enum

from mlrun_cli.errors import UnknownStatus


class RunStatus(str, Enum):
    """The status of a run."""

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
        """True if a run in this status has ended."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED})
ALIVE_STATUSES = frozenset(RunStatus) - TERMINAL_STATUSES

ACTIVE = "Active"
"""The word for all statuses of runs that have not ended."""

_BY_WORD = {status.value.lower(): frozenset({status}) for status in RunStatus} | {ACTIVE.lower(): ALIVE_STATUSES}


def parse_statuses(text: str) -> frozenset[RunStatus]:
    """Parse a comma-separated list of statuses, ignoring case; `active` means all non-terminal statuses.

    Raises:
        UnknownStatus: a status does not exist.
    """
    found: set[RunStatus] = set()
    for word in text.split(","):
        statuses = _BY_WORD.get(word.strip().lower())
        if statuses is None:
            raise UnknownStatus(word.strip(), [ACTIVE, *(status.value for status in RunStatus)])
        found |= statuses
    return frozenset(found)
