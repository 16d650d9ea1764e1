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
    │   ├── SnapshotTooLarge, ScriptNotInSnapshot, ScriptNotPython
    │   ├── AlreadyExists, FileAlreadyExists
    │   ├── ReservedName            what belongs to mlrun or to Azure, and cannot be changed
    │   ├── InUse                   what cannot be deleted or changed while something needs it
    │   ├── RunEnded, RunNotEnded, RunProtected
    │   ├── RunNotRepeatable        a run whose record does not suffice to submit it again
    │   ├── RunAlreadyRepeated      a failed run that another command has submitted again in the meantime
    │   ├── PropertyImmutable, LimitExceeded, NotEnoughGpus, NotEnoughNodes
    │   ├── Unsupported             Azure accepts it, mlrun does not
    │   │   └── UnsupportedCommand
    │   ├── BadRequest              a script's call whose arguments do not fit
    │   └── SeveralProblems         all problems of a request; exit 3 if none of them is a usage error
    ├── NotFound                    exit 3
    │   ├── RunNotFound
    │   │   └── NoRunsYet
    │   ├── RunFileNotFound, LogTimesNotFound, MetricNotFound, SnapshotNotFound, NotificationNotFound
    │   ├── ExperimentNotFound, WorkspaceNotFound, HomeNotFound
    │   ├── ComputeTargetNotFound, TargetKindNotFound
    │   ├── ModelNotFound, ModelFileNotFound
    │   ├── DataNotFound            files of a dataset or datastore
    │   │   ├── DatasetNotFound
    │   │   └── DatastoreNotFound
    │   ├── PipelineNotFound, PipelineEndpointNotFound, ScheduleNotFound
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

from mlrun_cli.errors.base import (
    InternalError,
    MlrunError,
)
from mlrun_cli.errors.not_found import (
    ComputeTargetNotFound,
    DataNotFound,
    DatasetNotFound,
    DatastoreNotFound,
    EnvironmentNotFound,
    ExperimentNotFound,
    HomeNotFound,
    LogTimesNotFound,
    MetricNotFound,
    ModelFileNotFound,
    ModelNotFound,
    NoRunsYet,
    NotFound,
    NotificationNotFound,
    PipelineEndpointNotFound,
    PipelineNotFound,
    RunFileNotFound,
    RunNotFound,
    ScheduleNotFound,
    SettingNotFound,
    SnapshotNotFound,
    TargetKindNotFound,
    ViewNotFound,
    WorkspaceNotFound,
)
from mlrun_cli.errors.system import (
    DiskFull,
    EnvironmentNotBuilt,
    FileNotReadable,
    FileNotWritable,
    HomeInUse,
    InterpreterNotFound,
    OperatingSystemError,
    ProgramNotFound,
    StoredFilesLost,
    StoreError,
    StoreLost,
    StoreTooNew,
    StoreUnavailable,
    StreamInterrupted,
    StudioNotRunning,
    TimedOut,
    UnreliableFileSystem,
    ViewChanged,
)
from mlrun_cli.errors.usage import (
    AlreadyExists,
    AmbiguousId,
    AmbiguousRunId,
    BadRequest,
    CommandNotFound,
    ConfirmationRequired,
    ConflictingOptions,
    ExperimentRequired,
    FileAlreadyExists,
    InUse,
    InvalidDuration,
    InvalidFile,
    InvalidFilter,
    InvalidName,
    InvalidOutputFormat,
    InvalidPath,
    InvalidQuery,
    InvalidTime,
    InvalidValue,
    LimitExceeded,
    MissingFile,
    MissingOption,
    NotEnoughGpus,
    NotEnoughNodes,
    NothingToChange,
    OneOptionRequired,
    OptionNotFound,
    PropertyImmutable,
    ReservedName,
    RunAlreadyRepeated,
    RunconfigNotFound,
    RunEnded,
    RunNotEnded,
    RunNotRepeatable,
    RunProtected,
    ScriptNotFound,
    ScriptNotInSnapshot,
    ScriptNotPython,
    SeveralProblems,
    SnapshotRefused,
    SnapshotTooLarge,
    UnexpectedArgument,
    UnknownStatus,
    UnknownTopic,
    Unsupported,
    UnsupportedCommand,
    UsageError,
    WorkspaceRequired,
)

__all__ = [
    "AlreadyExists",
    "AmbiguousId",
    "AmbiguousRunId",
    "BadRequest",
    "CommandNotFound",
    "ComputeTargetNotFound",
    "ConfirmationRequired",
    "ConflictingOptions",
    "DataNotFound",
    "DatasetNotFound",
    "DatastoreNotFound",
    "DiskFull",
    "EnvironmentNotBuilt",
    "EnvironmentNotFound",
    "ExperimentNotFound",
    "ExperimentRequired",
    "FileAlreadyExists",
    "FileNotReadable",
    "FileNotWritable",
    "HomeInUse",
    "HomeNotFound",
    "InUse",
    "InternalError",
    "InterpreterNotFound",
    "InvalidDuration",
    "InvalidFile",
    "InvalidFilter",
    "InvalidName",
    "InvalidOutputFormat",
    "InvalidPath",
    "InvalidQuery",
    "InvalidTime",
    "InvalidValue",
    "LimitExceeded",
    "LogTimesNotFound",
    "MetricNotFound",
    "MissingFile",
    "MissingOption",
    "MlrunError",
    "ModelFileNotFound",
    "ModelNotFound",
    "NoRunsYet",
    "NotEnoughGpus",
    "NotEnoughNodes",
    "NotFound",
    "NothingToChange",
    "NotificationNotFound",
    "OneOptionRequired",
    "OperatingSystemError",
    "OptionNotFound",
    "PipelineEndpointNotFound",
    "PipelineNotFound",
    "ProgramNotFound",
    "PropertyImmutable",
    "ReservedName",
    "RunAlreadyRepeated",
    "RunEnded",
    "RunFileNotFound",
    "RunNotEnded",
    "RunNotFound",
    "RunNotRepeatable",
    "RunProtected",
    "RunconfigNotFound",
    "ScheduleNotFound",
    "ScriptNotFound",
    "ScriptNotInSnapshot",
    "ScriptNotPython",
    "SettingNotFound",
    "SeveralProblems",
    "SnapshotNotFound",
    "SnapshotRefused",
    "SnapshotTooLarge",
    "StoreError",
    "StoreLost",
    "StoreTooNew",
    "StoreUnavailable",
    "StoredFilesLost",
    "StreamInterrupted",
    "StudioNotRunning",
    "TargetKindNotFound",
    "TimedOut",
    "UnexpectedArgument",
    "UnknownStatus",
    "UnknownTopic",
    "UnreliableFileSystem",
    "Unsupported",
    "UnsupportedCommand",
    "UsageError",
    "ViewChanged",
    "ViewNotFound",
    "WorkspaceNotFound",
    "WorkspaceRequired",
]
