"""The form of a new run: what was typed into it, and the request that it makes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.actions.submit import SubmitRequest
from mlrun_cli.domain.environment_mode import EnvironmentMode
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.submission import Submission
from mlrun_cli.errors import UsageError


class SubmitForm(NamedTuple):
    """Each field as it was typed."""

    folder: str = ""
    script: str = ""
    arguments: str = ""
    runconfig: str = ""
    target: str = ""
    experiment: str = ""
    name: str = ""
    tags: str = ""
    gpus: str = ""
    environment: str = ""

    @classmethod
    def typed(cls, values: Mapping[str, str]) -> SubmitForm:
        """The form as a request has it."""
        return cls(**{name: values[name].strip() for name in cls._fields if name in values})

    @classmethod
    def like(cls, run: Run, submission: Submission) -> SubmitForm:
        """The form that would submit such a run again; secrets in its arguments are hidden, and have to be typed."""
        definition = run.definition or {}
        is_script = not submission.is_command
        return cls(
            folder=submission.folder or "",
            script=submission.argv[0] if is_script and submission.argv else "",
            arguments=shlex.join(map(str, definition.get("arguments") or ())) if is_script else "",
            runconfig=_runconfig_name(submission),
            target=run.target or "",
            experiment=run.experiment_name,
            name=run.display_name or "",
            gpus=str(run.gpu_count or ""),
        )

    def path(self) -> Path | None:
        """The whole path of the folder; None where what was typed can be none."""
        try:
            path = Path(self.folder).expanduser()
        except RuntimeError:  # `~name`, where nobody has that name
            return None
        return path if path.is_absolute() and "\0" not in self.folder else None

    def request(self) -> SubmitRequest:
        """What is to be submitted.

        Raises:
            UsageError: a field cannot be right; the message begins with its label.
        """
        for label, text in self._asdict().items():
            if "\0" in text:
                raise UsageError(f"{label.capitalize()}: there is a zero byte in it.", hint="Type it anew.")
        if not self.folder:
            raise UsageError("Folder: none is named.", hint="Type the path of an attached folder.")
        folder = self.path()
        if folder is None or not folder.is_dir():
            raise UsageError(f"Folder: there is no folder '{self.folder}'.", hint="Type its whole path.")
        if not self.script and not self.runconfig:
            raise UsageError("Script: neither a script nor a runconfig is named.", hint="Choose one of the two.")
        if not self.experiment:
            raise UsageError("Experiment: none is named.", hint="Any name will do; a new one is made.")
        return SubmitRequest(
            path=folder,
            experiment_name=self.experiment,
            runconfig_name=self.runconfig or None,
            script=self.script or None,
            arguments=_words(self.arguments),
            target=self.target or None,
            environment=dict(os.environ),
            display_name=self.name or None,
            tags=_tags(self.tags),
            gpu_count=_gpus(self.gpus),
            environment_mode=_mode(self.environment),
        )


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"Arguments: a quotation mark is not closed ({error}).") from error


def _tags(text: str) -> dict[str, str | None]:
    tags: dict[str, str | None] = {}
    for word in _words(text):
        key, has_value, value = word.partition("=")
        tags[key] = value if has_value else None
    return tags


def _gpus(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 3:
        raise UsageError(f"GPUs: '{text}' is no number of GPUs.")
    return int(text)


def _mode(text: str) -> EnvironmentMode | None:
    try:
        return EnvironmentMode(text) if text else None
    except ValueError:
        raise UsageError(f"Environment: there is no '{text}'.") from None


def _runconfig_name(submission: Submission) -> str:
    """The name that `-c` takes from the folder: its path there."""
    if submission.runconfig is None or submission.folder is None:
        return ""
    path, folder = Path(submission.runconfig), Path(submission.folder)
    if not path.is_relative_to(folder):
        return submission.runconfig
    if path.parent.name in {".azureml", "aml_config"} and path.parent.parent == folder:
        return path.stem
    return str(path.relative_to(folder).with_suffix(""))
