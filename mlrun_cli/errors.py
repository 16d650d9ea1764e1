"""Every error that a user can meet.

    MlrunError                  exit 1
    ├── UsageError              exit 2: what was typed or written cannot be right
    │   ├── InvalidQuery
    │   ├── InvalidDuration
    │   ├── InvalidTime
    │   ├── InvalidFilter
    │   ├── UnknownStatus
    │   ├── UnknownTopic        of the help
    │   ├── InvalidFile         a file's content, with its line and key path
    │   ├── MissingFile         a file that something names
    │   ├── SeveralProblems     all that is wrong with what was asked for; exit 3 if nothing of it is a usage error
    │   ├── SnapshotRefused     a source folder that cannot be kept
    │   ├── Unsupported         Azure accepts it, this program cannot honour it
    │   ├── BadRequest          a script's call whose arguments do not fit
    │   └── AmbiguousRunId
    ├── NotFound                exit 3
    │   ├── RunNotFound
    │   ├── ExperimentNotFound
    │   ├── WorkspaceNotFound
    │   ├── ComputeTargetNotFound
    │   ├── TargetKindNotFound
    │   ├── ModelNotFound
    │   ├── DataNotFound        a datastore or a dataset
    │   ├── EnvironmentNotFound
    │   └── ViewNotFound
    ├── ViewChanged             somebody else has changed a saved view meanwhile
    ├── StoreError              the database or its folder cannot be used
    │   └── StoreUnavailable    not now: it is locked, or its disk is full or away
    ├── EnvironmentNotBuilt     an interpreter or a package cannot be had
    └── TimedOut                exit 124

A message says what and why in one line; `hint` says what to do next, and `notes` what was noticed before.
"""

from __future__ import annotations

from collections.abc import Sequence


class MlrunError(Exception):
    """Base of all: `message` is what happened and why, `hint` what to do about it.

    `notes` has lines for stderr, such as on what was skipped: one of them may be the cause. `place` is the file and the
    line that it is about, as its message begins with them, and `key_path` the key there.
    """

    exit_code = 1
    notes: Sequence[str] = ()
    place: str | None = None
    key_path: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MlrunError):
    """What was typed or written cannot be right."""

    exit_code = 2


class SnapshotRefused(UsageError):
    """A source folder of which no snapshot can be taken."""


class InvalidQuery(UsageError):
    """A JMESPath query that does not parse."""


class InvalidDuration(UsageError):
    """A text that is not a duration, has no unit, or is too long."""


class InvalidTime(UsageError):
    """A text that is neither a day, a time nor a duration before now."""


class InvalidFilter(UsageError):
    """A filter of runs that means nothing."""


class UnknownStatus(UsageError):
    """A word that is none of the statuses of a run."""

    def __init__(self, word: str, known: Sequence[str]) -> None:
        import difflib  # noqa: PLC0415 - not on the way of what succeeds

        by_word = {status.lower(): status for status in known}
        nearest = difflib.get_close_matches(word.lower(), by_word, n=1)
        hint = f"Did you mean '{by_word[nearest[0]]}'?" if nearest else f"There are: {', '.join(known)}."
        super().__init__(f"There is no status '{word}'.", hint=hint)


class UnknownTopic(UsageError):
    """A word behind `help` that names neither a topic nor a command."""

    def __init__(self, word: str, nearest: str | None, topics: Sequence[str]) -> None:
        guess = "" if nearest is None else f"Did you mean '{nearest}'? "
        super().__init__(
            f"There is no help topic or command '{word}'.",
            hint=f"{guess}Topics: {', '.join(topics)}. 'mlrun -h' lists the commands.",
        )


class InvalidFile(UsageError):
    """A file that cannot be read as what it should be."""

    def __init__(
        self,
        path: object,
        reason: str,
        *,
        line: int | None = None,
        key_path: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = f"{path}" if line is None else f"{path}, line {line}"
        what = reason if key_path is None else f"{key_path}: {reason}"
        super().__init__(f"{place}: {what}", hint=hint)
        self.place = place
        self.key_path = key_path


class MissingFile(UsageError):
    """A file that is named is not there; `name` as it is written."""

    def __init__(self, name: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.name = name


class Unsupported(UsageError):
    """Azure accepts it; this program cannot honour it."""


class BadRequest(UsageError):
    """A request of a script that has no such call, or whose arguments do not fit it."""


class AmbiguousRunId(UsageError):
    """A shortened run id that several runs begin with."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        super().__init__(
            f"Several runs begin with '{prefix}': {', '.join(candidates)}.",
            hint="Type more of the id.",
        )


class NotFound(MlrunError):
    """Something was named that is not there."""

    exit_code = 3


class RunNotFound(NotFound):
    """No run has this id, or this beginning of one."""

    def __init__(self, run_id: str, workspace_name: str | None = None) -> None:
        where = "" if workspace_name is None else f" in workspace '{workspace_name}'"
        super().__init__(
            f"There is no run '{run_id}'{where}.",
            hint="See 'mlrun run list' for the ids there are; -w and -g choose another workspace.",
        )


class ExperimentNotFound(NotFound):
    """No experiment has this name."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        there_are = f" There are: {', '.join(known)}." if known else " There are none yet."
        super().__init__(f"There is no experiment '{name}'.{there_are}")


class WorkspaceNotFound(NotFound):
    """No workspace of this name has been used on this machine."""

    def __init__(self, name: str, resource_group: str, subscription_id: str) -> None:
        super().__init__(
            f"There is no workspace '{name}' in resource group '{resource_group}' of subscription '{subscription_id}'.",
            hint="'mlrun workspace list' shows those there are; 'mlrun folder attach' with the same options makes one.",
        )


class ComputeTargetNotFound(NotFound):
    """No compute target has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no compute target '{name}'. There are: {', '.join(known)}.",
            hint="See 'mlrun computetarget list' for those of the workspace.",
        )


class TargetKindNotFound(NotFound):
    """No kind of compute target has this name, or its distribution is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no kind of compute target '{name}' in this installation.",
            hint="Install the package that brings it into the environment of mlrun-cli.",
        )


class ModelNotFound(NotFound):
    """No model has this name, or not in this version."""


class DataNotFound(NotFound):
    """No datastore or dataset has this name or id, or it has no such file."""


class EnvironmentNotFound(NotFound):
    """No environment has been registered under this name, or not in this version."""


class ViewNotFound(NotFound):
    """No saved view has this name, or not any more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no view '{name}'.", hint="It may have been renamed or deleted; save it under a new name."
        )


class ViewChanged(MlrunError):
    """Somebody else has changed a saved view since it was read."""

    def __init__(self, name: str, author: str) -> None:
        super().__init__(
            f"The view '{name}' has been changed by {author} since you opened it; nothing was changed.",
            hint="Open it again to see that change, or save yours under another name.",
        )


class StoreError(MlrunError):
    """The database or its folder cannot be used."""


class StoreUnavailable(StoreError):
    """It cannot be used now, and may be later without anybody's doing: it is locked, or its disk is full or away."""


class SeveralProblems(UsageError):
    """All that is wrong with what was asked for, in the order in which it was found."""

    def __init__(self, problems: Sequence[MlrunError]) -> None:
        self.problems = tuple(problems)
        self.exit_code = 2 if any(one.exit_code == UsageError.exit_code for one in problems) else problems[0].exit_code
        numbered = [
            "\n   ".join([f"{number}. {one.message}", *([one.hint] if one.hint else [])])
            for number, one in enumerate(problems, 1)
        ]
        super().__init__("\n".join([f"{len(problems)} things are wrong:", *numbered]))


class EnvironmentNotBuilt(MlrunError):
    """An interpreter or a package that a run needs cannot be had."""


class TimedOut(MlrunError):
    """The time that was given has run out."""

    exit_code = 124
