"""The form for a new run, which is converted to a submit request."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlrun_cli.core.durations import parse_begin_time, parse_duration
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import now
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.errors import (
    ConflictingOptions,
    ExperimentRequired,
    InvalidDuration,
    InvalidValue,
    MissingFile,
    MissingOption,
    MlrunError,
    OneOptionRequired,
    UsageError,
)
from mlrun_cli.runs.priority import Priority
from mlrun_cli.runs.retry_policy import RetryPolicy, parse_retry_conditions
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runs.submit_options import list_redacted_words
from mlrun_cli.submit.earlier_runs import EarlierRun
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.script import split_command_text

SNAPSHOT, FOLDER = "snapshot", "folder"
_LABELS = {"name": "Display name", "gpus": "GPUs"}


class SubmitForm(NamedTuple):
    """The fields of the form as typed by the user.

    Attributes:
        like: the id of a run to resubmit.
        source: `SNAPSHOT` to use that run's snapshot and environment, `FOLDER` to use the folder as it is now.
    """

    like: str = ""
    source: str = ""
    folder: str = ""
    source_directory: str = ""
    script: str = ""
    arguments: str = ""
    command: str = ""
    runconfig: str = ""
    target: str = ""
    experiment: str = ""
    name: str = ""
    tags: str = ""
    variables: str = ""
    time_limit: str = ""
    retry: str = ""
    retry_on: str = ""
    after: str = ""
    begin: str = ""
    priority: str = ""
    gpus: str = ""
    environment: str = ""
    conda_file: str = ""

    @classmethod
    def from_fields(cls, values: Mapping[str, str]) -> SubmitForm:
        """Create a form from the fields of a request."""
        return cls(**{name: values[name].strip() for name in cls._fields if name in values})

    @classmethod
    def from_run(cls, run: Run, submission: Submission) -> SubmitForm:
        """Create a form for resubmitting a run from the current content of its folder.

        Secrets in the arguments are redacted, and must be typed again.
        """
        options, retry = submission.get_submit_options(), submission.retry
        folder, mode = submission.folder or "", options.environment_mode
        return cls(
            like=run.run_id,
            folder=folder,
            source_directory=_shorten_path(folder, options.source_directory),
            script=options.script or "",
            arguments=shlex.join(options.arguments),
            command=_format_command(options.command),
            runconfig=options.runconfig or "",
            target=options.target or "",
            experiment=run.experiment_name,
            name=run.display_name or "",
            tags=shlex.join(key if value is None else f"{key}={value}" for key, value in options.tags.items()),
            variables=shlex.join(f"{key}={value}" for key, value in options.variables.items()),
            time_limit="" if options.time_limit_seconds is None else f"{options.time_limit_seconds:.15g}s",
            retry="" if retry is None else str(retry.most_retries),
            retry_on="" if retry is None or retry == RetryPolicy(retry.most_retries) else ",".join(retry.conditions),
            gpus=str(run.gpu_count or ""),
            environment="" if mode is None else str(mode),
            conda_file=_shorten_path(folder, options.conda_file),
        )

    def find_folder_path(self) -> Path | None:
        """Return the absolute path of the folder, or None if the field does not contain one."""
        try:
            path = Path(self.folder).expanduser()
        except RuntimeError:  # `~name` of an unknown user
            return None
        return path if path.is_absolute() and "\0" not in self.folder else None

    def find_source_path(self) -> Path | None:
        """Return the absolute path of the source directory, or None if a field is not a valid path."""
        folder = self.find_folder_path()
        if folder is None or "\0" in self.source_directory:
            return None
        return folder / self.source_directory

    def find_secret_error(self) -> UsageError | None:
        """Return an error about redacted secrets that must be typed again, or None if there are none."""
        try:
            for name in ("arguments", "tags", "variables"):
                _check_for_redacted_arguments(name, split_words(name, getattr(self, name)))
            command = split_command_text(self.command)
            _check_for_redacted_arguments("command", [command] if isinstance(command, str) else command)
        except UsageError as error:
            return error
        return None

    def find_invalid_field(self, error: MlrunError) -> str | None:
        """Return the name of the form field that an error concerns, or None if there is no such field."""
        return next((name for name in self._fields if error.message.startswith(f"{_get_field_label(name)}:")), None)

    def resolve_folder(self) -> Path:
        """Check that the folder and its source directory exist, and return the absolute path of the folder.

        Raises:
            UsageError: a field is not valid; the message starts with its label.
        """
        self._check_for_nul_characters()
        if not self.folder:
            raise MissingOption("Folder: none is named.", hint="Type the path of an attached folder.")
        folder = self.find_folder_path()
        if folder is None or not os.path.isdir(folder):
            raise MissingFile(f"Folder: there is no folder '{self.folder}'.", hint="Type its whole path.")
        if not os.path.isdir(folder / self.source_directory):
            raise MissingFile(f"Source directory: there is no folder '{self.source_directory}'.")
        return folder

    def _check_for_nul_characters(self) -> None:
        for name, text in self._asdict().items():
            if "\0" in text:
                raise InvalidValue(f"{_get_field_label(name)}: it contains a zero byte.", hint="Type it again.")

    def build_request(self, earlier_run: EarlierRun | None = None) -> SubmitRequest:
        """Build the submit request from the fields.

        Args:
            earlier_run: the run whose snapshot and environment to use, if any.

        Raises:
            UsageError: a field is not valid; the message starts with its label.
        """
        if earlier_run is not None:
            self._check_for_nul_characters()
            return self._build_common_request(Path(earlier_run.submission.folder or "/"))._replace(earlier=earlier_run)
        folder = self.resolve_folder()
        if not self.script and not self.command and not self.runconfig:
            raise OneOptionRequired(
                "Script: no script, command or runconfig is named.", hint="Fill in one of the three."
            )
        return self._build_common_request(folder)._replace(
            runconfig_name=self.runconfig or None,
            source_directory=self.find_source_path(),
            conda_dependencies=folder / self.conda_file if self.conda_file else None,
            environment_mode=_parse_environment_choice(self.environment),
        )

    def _build_common_request(self, folder: Path) -> SubmitRequest:
        """Build a request from the fields that do not depend on the source."""
        if self.arguments and not self.script:
            raise ConflictingOptions(
                "Arguments: without a script, those of the runconfig are used.", hint="Name the script."
            )
        if self.command and self.script:
            raise ConflictingOptions("Command: there is a script too.", hint="Leave one of them out.")
        if missing_secret := self.find_secret_error():
            raise missing_secret
        if not self.experiment:
            raise ExperimentRequired("Experiment: none is named.", hint="Any name will do; a new one is made.")
        return SubmitRequest(
            path=folder,
            experiment_name=self.experiment,
            script=self.script or None,
            arguments=split_words("arguments", self.arguments),
            command=split_command_text(self.command) if self.command else None,
            target=self.target or None,
            environment=dict(os.environ),
            display_name=self.name or None,
            tags=parse_tags(self.tags),
            variables=parse_variables(self.variables),
            time_limit_seconds=_parse_time_limit(self.time_limit),
            retry=_parse_retry(self.retry, self.retry_on),
            begin_at=_parse_begin_time(self.begin),
            priority=_parse_priority(self.priority),
            gpu_count=_parse_gpus(self.gpus),
            rerun_of=self.like or None,
        )


def _format_command(command: tuple[str, ...] | str | None) -> str:
    if command is None or isinstance(command, str):
        return command or ""
    return shlex.join(command)


def split_words(field_name: str, text: str) -> list[str]:
    """Split the text of a form field into words as a shell does.

    Raises:
        InvalidValue: a quotation mark is not closed; the message starts with the field's label.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidValue(f"{_get_field_label(field_name)}: a quotation mark is not closed ({error}).") from error


def parse_tags(text: str) -> dict[str, str | None]:
    """Parse the tags in a form field, written as `key=value` or `key` and separated by whitespace.

    Raises:
        InvalidValue: a quotation mark is not closed.
    """
    tags: dict[str, str | None] = {}
    for word in split_words("tags", text):
        key, has_value, value = word.partition("=")
        tags[key] = value if has_value else None
    return tags


def parse_variables(text: str) -> dict[str, str]:
    """Parse the environment variables in a form field, written as `NAME=value` and separated by whitespace.

    Raises:
        InvalidValue: one has no value, or a quotation mark is not closed.
    """
    variables: dict[str, str] = {}
    for word in split_words("variables", text):
        name, has_value, value = word.partition("=")
        if not name or not has_value:
            raise InvalidValue("Variables: one is not written as NAME=value.", hint="Put quotes around spaces.")
        variables[name] = value
    return variables


def _parse_time_limit(text: str) -> float | None:
    if not text:
        return None
    try:
        return parse_duration(text, needs_unit=True) or None
    except InvalidDuration as error:
        raise InvalidDuration(f"Time limit: {error.message}", hint=error.hint) from None


def _parse_retry(retries: str, ends: str) -> RetryPolicy | None:
    if not retries:
        if ends:
            raise ConflictingOptions("Retry on: it is not said how often.", hint="Type a number of retries.")
        return None
    if not retries.isdecimal() or len(retries) > 3:
        raise InvalidValue(f"Retry: '{retries}' is not a number of retries.", hint="Type one up to 999.")
    if not ends:
        return RetryPolicy(int(retries))
    try:
        return RetryPolicy(int(retries), parse_retry_conditions(ends))
    except InvalidValue as error:
        raise InvalidValue(f"Retry on: {error.message}", hint=error.hint) from None


def _parse_begin_time(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_begin_time(text, now())
    except UsageError as error:
        raise InvalidValue(f"Begin: {error.message}", hint=error.hint) from None


def _parse_priority(text: str) -> int:
    try:
        return Priority(text or Priority.NORMAL).rank
    except ValueError:
        raise InvalidValue(f"Priority: '{text}' is none.", hint="Choose high, normal or low.") from None


def _parse_gpus(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 3:
        raise InvalidValue(f"GPUs: '{text}' is not a number of GPUs.")
    return int(text)


def _parse_environment_choice(text: str) -> EnvironmentChoice | None:
    try:
        return EnvironmentChoice.parse_and_check(text) if text else None
    except ValueError as error:
        raise InvalidValue(f"Environment: {error}") from None


def _get_field_label(field_name: str) -> str:
    return _LABELS.get(field_name) or field_name.replace("_", " ").capitalize()


def _shorten_path(folder: str, path: str | None) -> str:
    """Return a path relative to a folder that contains it, or else unchanged, or an empty string for None."""
    if path is None:
        return ""
    return str(Path(path).relative_to(folder)) if folder and Path(path).is_relative_to(folder) else path


def _check_for_redacted_arguments(field_name: str, arguments: Sequence[str]) -> None:
    hidden = list_redacted_words(arguments)
    if hidden:
        raise InvalidValue(
            f"{_get_field_label(field_name)}: no record holds the secret in {shlex.join(hidden)}.",
            hint="Type it in place of ***.",
        )
