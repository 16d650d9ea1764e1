"""Errors of the store, the operating system and other programs, and of waiting for runs."""

from __future__ import annotations

from mlrun_cli.errors.base import MlrunError


class ViewChanged(MlrunError):
    """Another user has changed a saved view since it was read."""

    def __init__(self, name: str, author: str) -> None:
        super().__init__(
            f"The view '{name}' has been changed by {author} since you opened it; nothing was changed.",
            hint="Open it again to see that change, or save yours under another name.",
            target=name,
        )


class StoreError(MlrunError):
    """The database or its folder cannot be used."""


class StoreUnavailable(StoreError):
    """The store cannot be used at the moment: it is locked, or its disk is full or unavailable."""


class HomeInUse(StoreUnavailable):
    """Another host uses the home, which is on a network file system."""


class StoreTooNew(StoreError):
    """The store was written by a newer mlrun-cli."""


class StoreLost(StoreError):
    """The database no longer exists, but the folders of its runs do."""


class StoredFilesLost(StoreError):
    """Files of a snapshot or model that the workspace stored no longer exist."""


class UnreliableFileSystem(StoreError):
    """A file system whose locks cannot be trusted."""


class FileNotReadable(MlrunError):
    """A file or folder that exists cannot be read."""


class FileNotWritable(MlrunError):
    """A file or folder cannot be written, created or removed."""

    def __init__(self, path: object, error: OSError | str | None, *, hint: str | None = None) -> None:
        reason = (error.strerror or error) if isinstance(error, OSError) else error
        super().__init__(f"'{path}' cannot be written: {reason}.", hint=hint, target=path)


class OperatingSystemError(MlrunError):
    """The operating system refuses an operation: a missing permission, a limit, a failing disk."""


class DiskFull(MlrunError):
    """A disk that mlrun writes to is full."""


class EnvironmentNotBuilt(MlrunError):
    """An interpreter or a package that a run needs is not available."""


class InterpreterNotFound(EnvironmentNotBuilt):
    """The required Python is not available on this machine."""


class ProgramNotFound(MlrunError):
    """Another program, or a package of an extra, is not installed."""


class StudioNotRunning(MlrunError):
    """No studio is running."""


class StreamInterrupted(MlrunError):
    """A signal ended the streaming before the run ended; the exit code is the one that shells expect."""

    def __init__(self, signal_number: int, message: str, *, hint: str, target: str) -> None:
        super().__init__(message, hint=hint, target=target)
        self.exit_code = 128 + signal_number


class TimedOut(MlrunError):
    """A timeout expired."""

    exit_code = 124
