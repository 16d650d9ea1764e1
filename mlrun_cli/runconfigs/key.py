"""A key of a runconfig: its type, default, meaning and treatment."""

from __future__ import annotations

from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runconfigs.value_schemas import Schema


class Refusal(NamedTuple):
    """The reason why a key is refused, with advice.

    With `concerns_environment`, the key is not refused for a run in the Python on PATH.
    """

    reason: str
    advice: str
    concerns_environment: bool = False


class Key(NamedTuple):
    """A key of a runconfig, with the reason why non-default values are skipped or refused, if they are.

    Attributes:
        schema: the JSON Schema of its value.
        default: the default value that current versions of Azure's SDK write.
        meaning: the description for the schema.
        field: the field of `RunConfiguration` with the value; None if the value is in `rest`, keyed by key path.
        other_defaults: default values that older versions of Azure's SDK write.
        skipped: the reason why other values are skipped, with a note.
        skipped_in_container: the reason why other values of a Docker key are skipped if the run is in a container.
        skipped_without_container: the same if Docker is enabled, but the run is not in a container.
        refused: the reason why other values are refused.
        is_older: whether current versions no longer write the key.
    """

    schema: Schema
    default: Any
    meaning: str
    field: str | None = None
    other_defaults: tuple[object, ...] = ()
    skipped: str | None = None
    skipped_in_container: str | None = None
    skipped_without_container: str | None = None
    refused: Refusal | None = None
    is_older: bool = False
