"""The errors of the engines that run the jobs of compute targets, such as Slurm, and of their shared folders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.errors import MlrunError, StoreError, UsageError


class EngineUnavailable(MlrunError):
    """The engine does not respond, or its response cannot be parsed."""


class SubmitUnanswered(EngineUnavailable):
    """The engine has not responded to a submission, so it is unknown whether it has accepted the job."""


class EngineRefused(MlrunError):
    """The engine has rejected a job; the message is the engine's own."""


class SharedFolderUnavailable(MlrunError):
    """The folder that a target shares with its nodes is missing, or cannot be read or written."""

    def __init__(self, target: str, folder: Path, reason: str) -> None:
        super().__init__(
            f"The shared folder of '{target}' cannot be used: {reason}.",
            hint=f"See whether {folder} is mounted, may be written to and has room.",
            target=folder,
        )


class PathNotShared(UsageError):
    """A file or folder of this machine is not visible to the nodes of a compute target."""


@contextmanager
def convert_shared_folder_errors(target: str, folder: Path) -> Iterator[None]:
    """Convert an OSError in the block, about a target's shared folder, into `SharedFolderUnavailable`."""
    try:
        yield
    except (OSError, StoreError) as error:
        cause = error.__cause__ if isinstance(error, StoreError) else error
        if not isinstance(cause, OSError):
            raise
        path = f"{cause.filename}: " if cause.filename else ""
        raise SharedFolderUnavailable(target, folder, f"{path}{cause.strerror or cause}") from error


class NodeNotUsable(MlrunError):
    """A node does not share the folder of a target, or has no Python for supervisors."""
