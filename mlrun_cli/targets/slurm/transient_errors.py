"""The transient errors of Slurm's commands; whatever else they say to a submission is a refusal, which is final."""

from __future__ import annotations

from mlrun_cli.targets.transient_errors import SYSTEM_ERRORS, contains_any

# What Slurm's commands say when the controller or its database is away, rather than of what they are asked.
_SLURM = (
    "Unable to contact slurm controller",
    "Slurm backup controller in standby mode",
    "Socket timed out on send/recv operation",
    "Unexpected message received",
    "Zero Bytes were transmitted or received",
    "Message receive failure",
    "Message send failure",
    "Communication connection failure",
    "Communication shutdown failure",
    "Slurm temporarily unable to accept job",
    "I/O error writing script/environment to file",
    "Protocol authentication error",
    "Problem talking to the database",
    "Unable to connect to database",
    "slurmdbd: Unable to connect",
)


def is_transient_slurm_error(message: str) -> bool:
    """Return whether an error of one of Slurm's commands may be transient, so that a retry may succeed."""
    return contains_any(message, (*_SLURM, *SYSTEM_ERRORS))
