"""What a submit was asked for, as its options say it: what it takes to ask for the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.environments.mode import EnvironmentChoice


class Asked(NamedTuple):
    """Kept within the submission, secrets hidden as there; None where nothing was said.

    Attributes:
        runconfig: as after `-c`.
        source_directory: absolute; None where it is the attached folder.
        script: relative to the source directory; None where the runconfig's was meant, `arguments` with it.
        target: None where the runconfig's was meant.
        conda_file: absolute.
        environment_mode: None where it was `pinned` without being named.
        tags: those that the run had from its start.
        is_whole: whether the options say all of it; what was submitted from Python may have asked for more.
    """

    runconfig: str | None = None
    source_directory: str | None = None
    script: str | None = None
    arguments: tuple[str, ...] = ()
    target: str | None = None
    conda_file: str | None = None
    environment_mode: EnvironmentChoice | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    is_whole: bool = True

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        mode = self.environment_mode
        return self._asdict() | {
            "arguments": list(self.arguments),
            "environment_mode": None if mode is None else str(mode),
            "tags": dict(self.tags),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Asked:
        """What was written; what another version has put there besides is left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        mode = known.get("environment_mode")
        return cls(
            **{
                **known,
                "arguments": tuple(known.get("arguments", ())),
                "environment_mode": None if mode is None else EnvironmentChoice.parse(mode),
            }
        )


def hidden_words(words: Sequence[str]) -> list[str]:
    """The words in which a record hides a secret; one that is nothing else with the option before it."""
    return [
        f"{before} {word}" if word == REDACTED and before.startswith("-") else word
        for before, word in zip(("", *words), words, strict=False)
        if REDACTED in word
    ]
