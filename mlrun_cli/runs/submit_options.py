"""The options that a run was submitted with, which are needed to submit it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.environments.mode import EnvironmentChoice

DEFAULT_LIMIT_SECONDS = 30 * 24 * 60 * 60
"""The time limit that azureml.core sets where its user sets none."""


class SubmitOptions(NamedTuple):
    """The options of a submit, with secrets redacted, stored in its submission; None for options not given.

    Attributes:
        runconfig: as after `-c`.
        source_directory: an absolute path; None if it is the attached folder.
        script: relative to the source directory; None if the runconfig specifies it, and `arguments` too.
        command: a command instead of a script, as words or as text for a shell; None if the runconfig specifies it.
        target: None if the runconfig specifies it.
        conda_file: an absolute path.
        environment_mode: None if it was `pinned` by default.
        tags: the tags that the run started with.
        variables: the variables of the script besides those of the runconfig.
        time_limit_seconds: None if the runconfig specifies it.
        absent_flags: the flags, such as `--fp16`, that are false, and that the arguments leave out.
        is_whole: whether the options are complete; a submit from Python may have set more.
    """

    runconfig: str | None = None
    source_directory: str | None = None
    script: str | None = None
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] | str | None = None
    target: str | None = None
    conda_file: str | None = None
    environment_mode: EnvironmentChoice | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})
    time_limit_seconds: float | None = None
    absent_flags: tuple[str, ...] = ()
    is_whole: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the options as a JSON-compatible dict."""
        mode = self.environment_mode
        return self._asdict() | {
            "arguments": list(self.arguments),
            "absent_flags": list(self.absent_flags),
            "command": self.command if isinstance(self.command, str | None) else list(self.command),
            "environment_mode": None if mode is None else str(mode),
            "tags": dict(self.tags),
            "variables": dict(self.variables),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SubmitOptions:
        """Create the options from a JSON object; unknown keys are ignored."""
        known = {name: document[name] for name in cls._fields if name in document}
        mode, command = known.get("environment_mode"), known.get("command")
        return cls(
            **{
                **known,
                "command": tuple(command) if isinstance(command, list) else command,
                "arguments": tuple(known.get("arguments", ())),
                "absent_flags": tuple(known.get("absent_flags", ())),
                "environment_mode": None if mode is None else EnvironmentChoice.parse(mode),
            }
        )


def list_redacted_words(arguments: Sequence[str]) -> list[str]:
    """Return the words that contain a redacted secret, each preceded by its option if the whole word is the secret."""
    return [
        f"{before} {word}" if word == REDACTED and before.startswith("-") else word
        for before, word in zip(("", *arguments), arguments, strict=False)
        if REDACTED in word
    ]
