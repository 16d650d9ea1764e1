"""The errors of engines, such as Slurm, that run the jobs of compute targets, and of their shared folders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.errors import MlrunError, StoreError, UsageError


class EngineUnavailable(MlrunError):
    """The engine does not answer, or answers something that cannot be understood."""


class SubmitUnanswered(EngineUnavailable):
    """The engine has not answered a submit, and may have the job or not."""


class EngineRefused(MlrunError):
    """The engine refuses a job; the message contains its words."""


class SharedFolderUnavailable(MlrunError):
    """The folder that a target shares with its nodes is not in its place, or cannot be read or written."""

    def __init__(self, target: str, folder: Path, reason: str) -> None:
        super().__init__(
            f"The shared folder of '{target}' cannot be used: {reason}.",
            hint=f"See whether {folder} is mounted, may be written to and has room.",
            target=folder,
        )


class PathNotShared(UsageError):
    """The nodes of a compute target do not see a file or folder of this machine."""


@contextmanager
def convert_shared_folder_errors(target: str, folder: Path) -> Iterator[None]:
    """Convert errors of the operating system about the shared folder of a target into `SharedFolderUnavailable`."""
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
