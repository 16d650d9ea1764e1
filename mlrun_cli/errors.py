"""All errors that a user can encounter. The name of a class is its stable code.

    MlrunError                      exit 1
    ├── UsageError                  exit 2: the command line, a file or a request is wrong
    │   ├── CommandNotFound, OptionNotFound, UnexpectedArgument
    │   ├── UnknownTopic            of the help
    │   ├── MissingOption           an option or argument that is needed
    │   │   ├── WorkspaceRequired
    │   │   └── ExperimentRequired
    │   ├── OneOptionRequired       exactly one of several
    │   ├── ConflictingOptions      options that exclude each other, or one that is given twice
    │   ├── NothingToChange
    │   ├── ConfirmationRequired
    │   ├── InvalidValue            of an option, a field, a variable or a key of a runconfig
    │   │   ├── InvalidDuration
    │   │   ├── InvalidFilter
    │   │   ├── InvalidName
    │   │   ├── InvalidOutputFormat
    │   │   ├── InvalidTime
    │   │   └── UnknownStatus
    │   ├── InvalidQuery            JMESPath that cannot be read
    │   ├── AmbiguousId             a shortened id that several things begin with
    │   │   └── AmbiguousRunId
    │   ├── InvalidFile             the content of a file, with its line and key path
    │   ├── InvalidPath             a file where a folder is needed, or the other way round, or a path that leads out
    │   ├── MissingFile             a file or folder that is named and does not exist
    │   │   ├── ScriptNotFound
    │   │   └── RunconfigNotFound
    │   ├── SnapshotRefused         a folder of which start_logging cannot take a snapshot
    │   ├── SnapshotTooLarge, ScriptNotInSnapshot
    │   ├── AlreadyExists, FileAlreadyExists
    │   ├── ReservedName            what belongs to mlrun or to Azure, and cannot be changed
    │   ├── InUse                   what cannot be deleted or changed while something needs it
    │   ├── RunEnded, RunNotEnded, RunProtected
    │   ├── RunNotRepeatable        a run whose record does not suffice to submit it again
    │   ├── PropertyImmutable, LimitExceeded, NotEnoughGpus, NotEnoughNodes
    │   ├── Unsupported             Azure accepts it, mlrun does not
    │   │   └── UnsupportedCommand
    │   ├── BadRequest              a script's call whose arguments do not fit
    │   └── SeveralProblems         all problems of a request; exit 3 if none of them is a usage error
    ├── NotFound                    exit 3
    │   ├── RunNotFound
    │   │   └── NoRunsYet
    │   ├── RunFileNotFound, MetricNotFound, SnapshotNotFound
    │   ├── ExperimentNotFound, WorkspaceNotFound
    │   ├── ComputeTargetNotFound, TargetKindNotFound
    │   ├── ModelNotFound, ModelFileNotFound
    │   ├── DataNotFound            files of a dataset or datastore
    │   │   ├── DatasetNotFound
    │   │   └── DatastoreNotFound
    │   └── EnvironmentNotFound, ViewNotFound, SettingNotFound
    ├── ViewChanged                 another user has changed a saved view since it was read
    ├── StoreError                  the database or its folder cannot be used
    │   ├── StoreUnavailable        for now: it is locked, or its disk is full or unavailable
    │   │   └── HomeInUse           by another host
    │   ├── StoreTooNew
    │   ├── StoreLost               the database no longer exists, but the folders of its runs do
    │   ├── StoredFilesLost         files that the workspace stored no longer exist
    │   └── UnreliableFileSystem    locks cannot be trusted there
    ├── FileNotReadable, FileNotWritable, DiskFull
    ├── OperatingSystemError        a permission, a limit, a failing disk, a program that cannot be started
    ├── EnvironmentNotBuilt         an interpreter or a package cannot be had
    │   └── InterpreterNotFound
    ├── ProgramNotFound             another program, or a package of an extra, is not installed
    ├── StudioNotRunning
    ├── StreamInterrupted           exit 128 + signal
    ├── TimedOut                    exit 124
    └── InternalError               a bug of mlrun-cli

A message says what is wrong and why, `hint` what to do. A lookup that fails takes the id and writes its message itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class MlrunError(Exception):
    """Base class of all errors.

    Attributes:
        message: what is wrong, and why.
        hint: what to do about it.
        target: the id, name, path, option or variable that it is about.
        location: the file, or `FILE, line N`, with which the message begins.
        key_path: the key in that file.
        notes: lines for stderr, such as about skipped keys, one of which may be the cause.
    """

    exit_code = 1
    notes: Sequence[str] = ()
    location: str | None = None
    key_path: str | None = None

    def __init__(self, message: str, *, hint: str | None = None, target: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.target = None if target is None else str(target)

    @property
    def code(self) -> str:
        """The stable code, for scripts."""
        return type(self).__name__

    @property
    def one_line(self) -> str:
        """The message and the hint on one line, with a full stop between them if the message has none."""
        message = self.message.strip()
        stop = "" if not self.hint or message.endswith((".", "!", "?", ":", "…")) else "."
        return f"{message}{stop} {self.hint or ''}".strip()

    @property
    def file(self) -> str | None:
        """The file that the error is about, or None."""
        return None if self.location is None else _split_location(self.location)[0]

    @property
    def line(self) -> int | None:
        """The line number in that file, or None."""
        return None if self.location is None else _split_location(self.location)[1]

    def add_context(self, context: str) -> None:
        """Prefix the message with its context, such as an entry of a runconfig."""
        self.message = f"{context}: {self.message}"
        self.args = (self.message,)

    def to_record(self) -> dict[str, Any]:
        """Return the error as a record of code, message, hint, target, file, line and key path, unless None."""
        record = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "target": self.target,
            "file": self.file,
            "line": self.line,
            "key_path": self.key_path,
        }
        return {key: value for key, value in record.items() if value is not None}


def _split_location(location: str) -> tuple[str, int | None]:
    file, has_line, number = location.rpartition(", line ")
    return (file, int(number)) if has_line else (location, None)


class UsageError(MlrunError):
    """The command line, a file or a request is wrong."""

    exit_code = 2


class CommandNotFound(UsageError):
    """No command has this name."""


class UnknownTopic(UsageError):
    """A word after `help` that is neither a topic nor a command."""

    def __init__(self, word: str, nearest: str | None, topics: Sequence[str]) -> None:
        guess = "" if nearest is None else f"Did you mean '{nearest}'? "
        super().__init__(
            f"There is no help topic or command '{word}'.",
            hint=f"{guess}Topics: {', '.join(topics)}. 'mlrun -h' lists the commands.",
        )


class OptionNotFound(UsageError):
    """The command has no such option."""


class UnexpectedArgument(UsageError):
    """Words that no argument of the command accepts."""


class MissingOption(UsageError):
    """A required option or argument is not given, or has no value."""


class WorkspaceRequired(MissingOption):
    """No workspace is specified, and the folder is not attached to one."""


class ExperimentRequired(MissingOption):
    """No experiment is specified, and the folder is not attached to one."""


class OneOptionRequired(UsageError):
    """Exactly one of several options is required, but none or more than one is given."""


class ConflictingOptions(UsageError):
    """Options exclude each other, one requires another, or one is given twice."""


class NothingToChange(UsageError):
    """An update without a change."""


class ConfirmationRequired(UsageError):
    """A question must be answered, but there is no terminal to ask it on."""


class InvalidValue(UsageError):
    """A value that an option, a field, a variable or a key does not accept; `target` is the name of that."""


class InvalidDuration(InvalidValue):
    """Text that is not a duration."""


class InvalidFilter(InvalidValue):
    """A filter, an order or a tag that cannot be read."""


class InvalidName(InvalidValue):
    """Text that is not a valid name or id for an object of its kind."""


class InvalidOutputFormat(InvalidValue):
    """The output format does not exist."""


class InvalidTime(InvalidValue):
    """Text that is neither a day, a time nor a duration before now."""


class UnknownStatus(InvalidValue):
    """A word that is not a status of runs."""

    def __init__(self, word: str, known: Sequence[str]) -> None:
        import difflib  # noqa: PLC0415 - not on the way of what succeeds

        by_word = {status.lower(): status for status in known}
        nearest = difflib.get_close_matches(word.lower(), by_word, n=1)
        hint = f"Did you mean '{by_word[nearest[0]]}'?" if nearest else f"There are: {', '.join(known)}."
        super().__init__(f"'{word}' is not a status.", hint=hint, target=word)


class InvalidQuery(UsageError):
    """A JMESPath query that cannot be read, or does not fit the result."""


class AmbiguousId(UsageError):
    """A shortened id that matches several objects."""


class AmbiguousRunId(AmbiguousId):
    """A shortened run id that matches several runs."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        super().__init__(
            f"Several runs begin with '{prefix}': {', '.join(candidates)}.",
            hint="Type more of the id.",
            target=prefix,
        )


class InvalidFile(UsageError):
    """A file that cannot be read or has invalid content."""

    def __init__(
        self,
        path: object,
        reason: str,
        *,
        line: int | None = None,
        key_path: str | None = None,
        hint: str | None = None,
    ) -> None:
        location = f"{path}" if line is None else f"{path}, line {line}"
        what = reason if key_path is None else f"{key_path}: {reason}"
        super().__init__(f"{location}: {what}", hint=hint)
        self.location = location
        self.key_path = key_path


class InvalidPath(UsageError):
    """A path to a file where a folder is needed, to a folder where a file is needed, or out of its parent folder."""


class MissingFile(UsageError):
    """A specified file or folder does not exist; `target` is its path as it was written."""


class ScriptNotFound(MissingFile):
    """The script does not exist, or none is specified."""


class RunconfigNotFound(MissingFile):
    """No runconfig has this name."""


class SnapshotRefused(UsageError):
    """A folder of which `start_logging` cannot take a snapshot."""


class SnapshotTooLarge(UsageError):
    """A source folder that exceeds the limits of a snapshot."""


class ScriptNotInSnapshot(UsageError):
    """The script is outside of the source folder, or excluded from the snapshot."""


class FileAlreadyExists(UsageError):
    """A file that would be overwritten."""


class AlreadyExists(UsageError):
    """A name or id that is already in use."""


class ReservedName(UsageError):
    """A name that is reserved by mlrun or Azure, whose object cannot be created, changed or deleted."""


class InUse(UsageError):
    """An object that cannot be deleted or changed because something still needs it."""


class RunProtected(UsageError):
    """Runs that are kept, or from which a model was registered."""


class RunEnded(UsageError):
    """The run has ended, so that the request is not possible."""


class RunNotEnded(UsageError):
    """The run has not ended, so that the request is not possible."""


class RunNotRepeatable(UsageError):
    """The record of a run is not sufficient to submit it again."""


class PropertyImmutable(UsageError):
    """A property already has another value; properties can be written only once."""


class LimitExceeded(UsageError):
    """A request that exceeds a limit."""


class NotEnoughGpus(UsageError):
    """More GPUs are requested than this machine has."""


class NotEnoughNodes(UsageError):
    """More nodes are requested than the compute target has."""


class Unsupported(UsageError):
    """A feature that Azure supports but mlrun does not."""


class UnsupportedCommand(Unsupported):
    """A command that Azure supports but mlrun does not."""


class BadRequest(UsageError):
    """A request from a script for an unknown call, or with arguments that the call does not accept."""


class SeveralProblems(UsageError):
    """All problems of a request, in the order in which they were found."""

    def __init__(self, problems: Sequence[MlrunError]) -> None:
        self.problems = tuple(problems)
        self.exit_code = 2 if any(one.exit_code == UsageError.exit_code for one in problems) else problems[0].exit_code
        numbered = [
            "\n   ".join([f"{number}. {one.message}", *([one.hint] if one.hint else [])])
            for number, one in enumerate(problems, 1)
        ]
        super().__init__("\n".join([f"{len(problems)} problems were found:", *numbered]))

    def to_record(self) -> dict[str, Any]:
        """Return the code and message, and the records of all problems under `problems`."""
        return {**super().to_record(), "problems": [one.to_record() for one in self.problems]}


class NotFound(MlrunError):
    """A specified object does not exist."""

    exit_code = 3


class RunNotFound(NotFound):
    """No run has this id, or an id with this prefix."""

    def __init__(self, run_id: str, workspace_name: str | None = None, *, elsewhere: Sequence[str] = ()) -> None:
        """Create the error and its message.

        Args:
            run_id: the id as it was typed.
            workspace_name: the workspace that was searched.
            elsewhere: the experiment that was specified, and the one that contains the run.
        """
        where = "" if workspace_name is None else f" in workspace '{workspace_name}'"
        hint = "'mlrun run list' shows the ids of runs; -w and -g choose another workspace."
        if elsewhere:
            where = f" in experiment '{elsewhere[0]}'; it is in '{elsewhere[1]}'"
            hint = "Leave -e out, or name that experiment."
        super().__init__(f"There is no run '{run_id}'{where}.", hint=hint, target=run_id)


class NoRunsYet(RunNotFound):
    """The newest run was requested, but the experiment or workspace has no runs yet."""

    def __init__(self, where: str) -> None:
        NotFound.__init__(self, f"There is no run in the {where} yet.", hint="'mlrun run submit-script' makes one.")


class RunFileNotFound(NotFound):
    """The run or its snapshot has no such file."""


class MetricNotFound(NotFound):
    """The run has logged no such metric."""


class SnapshotNotFound(NotFound):
    """The run has no snapshot, or the workspace does not contain it."""


class ExperimentNotFound(NotFound):
    """No experiment has this name."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        others = f" There are: {', '.join(known)}." if known else " There are none yet."
        super().__init__(f"There is no experiment '{name}'.{others}", target=name)


class WorkspaceNotFound(NotFound):
    """No workspace with this name has been used on this machine."""

    def __init__(self, name: str, resource_group: str, subscription_id: str) -> None:
        super().__init__(
            f"There is no workspace '{name}' in resource group '{resource_group}' of subscription '{subscription_id}'.",
            hint="'mlrun workspace list' shows all workspaces; 'mlrun folder attach' with the same options makes one.",
            target=name,
        )


class ComputeTargetNotFound(NotFound):
    """No compute target has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no compute target '{name}'. There are: {', '.join(known)}.",
            hint="'mlrun computetarget list' shows those of the workspace.",
            target=name,
        )


class TargetKindNotFound(NotFound):
    """No kind of compute target has this name, or the package that provides it is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no kind of compute target '{name}' in this installation.",
            hint="Install the package that brings it into the environment of mlrun-cli.",
        )


class ModelNotFound(NotFound):
    """No model has this name, or the model has no such version."""


class ModelFileNotFound(NotFound):
    """The run has no file or folder with this name to register as a model."""


class DataNotFound(NotFound):
    """A dataset or datastore has no such file."""


class DatasetNotFound(DataNotFound):
    """No dataset has this name or id, or the dataset has no such version."""


class DatastoreNotFound(DataNotFound):
    """No datastore has this name, or its folder no longer exists."""


class EnvironmentNotFound(NotFound):
    """No environment is registered under this name, or it has no such version."""


class ViewNotFound(NotFound):
    """No saved view has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no view '{name}'.",
            hint="It may have been renamed or deleted; save it under a new name.",
            target=name,
        )


class SettingNotFound(NotFound):
    """A setting of az that is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The setting '{name}' is not set.", hint="'az config get' shows all that are.", target=name)


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


class InternalError(MlrunError):
    """A bug in mlrun-cli."""
