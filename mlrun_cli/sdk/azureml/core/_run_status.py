"""The statuses of a run, as named in a private module of Azure's SDK."""

from typing import List


class RunStatus:
    """The statuses that `Run.get_status` can return."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    UNAPPROVED = "Unapproved"
    NOTRESPONDING = "NotResponding"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    CANCEL_REQUESTED = "CancelRequested"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @classmethod
    def list(cls) -> "List[str]":
        """Return all statuses."""
        return [*RUNNING_STATES, *POST_PROCESSING_STATES, cls.COMPLETED, cls.FAILED, cls.CANCELED]

    @classmethod
    def get_running_statuses(cls) -> "List[str]":
        """Return the statuses that a run can have before and while its script is running."""
        return list(RUNNING_STATES)

    @classmethod
    def get_post_processing_statuses(cls) -> "List[str]":
        """Return the statuses that a run can have while it is being canceled or finalized."""
        return list(POST_PROCESSING_STATES)


RUNNING_STATES = [
    RunStatus.NOT_STARTED,
    RunStatus.QUEUED,
    RunStatus.PREPARING,
    RunStatus.PROVISIONING,
    RunStatus.STARTING,
    RunStatus.RUNNING,
    RunStatus.UNAPPROVED,
    RunStatus.NOTRESPONDING,
    RunStatus.PAUSING,
    RunStatus.PAUSED,
]
POST_PROCESSING_STATES = [RunStatus.CANCEL_REQUESTED, RunStatus.FINALIZING]
