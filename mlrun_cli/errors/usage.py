"""Errors in a command line, a file or a request, which exit with code 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.errors.base import MlrunError


class UsageError(MlrunError):
    """The command line, a file or a request is wrong."""

    exit_code = 2


class CommandNotFound(UsageError):
    """No command has this name."""


class UnknownTopic(UsageError):
    """A word after `help` that is neither a topic nor a command."""

    def __init__(self, word: str, nearest: str | None, topics: Sequence[str]) -> None:
        import textwrap  # noqa: PLC0415 - start-up

        guess = "" if nearest is None else f"Did you mean '{nearest}'? "
        super().__init__(
            f"There is no help topic or command '{word}'.",
            hint=f"{guess}'mlrun help' tells of the topics, 'mlrun -h' of the commands. Topics:\n"
            + textwrap.fill(", ".join(topics), 76, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False),
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
    """A value that an option, field, variable or key does not accept; `target` is the name of the latter."""


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
    """A shortened run id or a display name that matches several runs."""

    def __init__(self, text: str, candidates: Sequence[str], *, is_display_name: bool = False) -> None:
        what = "have the name" if is_display_name else "begin with"
        super().__init__(
            f"Several runs {what} '{text}': {', '.join(candidates)}.",
            hint="Use an id instead of the name." if is_display_name else "Type more of the id.",
            target=text,
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
    """The script, or the program of a command, does not exist, or none is specified."""


class RunconfigNotFound(MissingFile):
    """No runconfig has this name."""


class SnapshotRefused(UsageError):
    """A folder that `start_logging` cannot take a snapshot of."""


class SnapshotTooLarge(UsageError):
    """A source folder that exceeds the limits of a snapshot."""


class ScriptNotInSnapshot(UsageError):
    """The script is outside of the source folder, or excluded from the snapshot."""


class ScriptNotPython(UsageError):
    """The suffix of the script shows that it is a notebook or in another language."""


class FileAlreadyExists(UsageError):
    """A file that would be overwritten."""


class AlreadyExists(UsageError):
    """A name or id that is already in use."""


class ReservedName(UsageError):
    """A name that is reserved by mlrun or Azure; an object of this name cannot be created, changed or deleted."""


class InUse(UsageError):
    """An object that cannot be deleted or changed because something still needs it."""


class RunProtected(UsageError):
    """Runs that a user keeps, or from which a model was registered."""


class RunEnded(UsageError):
    """The run has ended, so that the request is not possible."""


class RunNotEnded(UsageError):
    """The run has not ended, so that the request is not possible."""


class RunNotRepeatable(UsageError):
    """The record of a run is not sufficient to submit it again."""


class RunAlreadyRepeated(UsageError):
    """A run that is to be submitted again only once has been already."""

    def __init__(self, run_id: str, rerun_id: str) -> None:
        """Initialize the error with the ids of both runs."""
        super().__init__(
            f"'{run_id}' has been repeated already, as {rerun_id}.",
            hint=f"Repeat it once more: mlrun run rerun -r {run_id}",
            target=run_id,
        )


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
