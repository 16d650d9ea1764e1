"""A registered environment: a description that a workspace keeps under a name and a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso

LATEST = "latest"
"""The label that the newest version always has."""

CURATED_PREFIX = "azureml-"
"""How the names of the environments begin that Azure comes with, in any letter case."""


class RegisteredEnvironment(NamedTuple):
    """`definition` is the `environment` section of a runconfig; `digest` tells it from others, name and version apart.

    Moments are microseconds in UTC.
    """

    key: int
    name: str
    version: str
    definition: Mapping[str, Any]
    digest: str
    labels: Sequence[str]
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object for scripts."""
        return {
            "name": self.name,
            "version": self.version,
            "definition": dict(self.definition),
            "labels": list(self.labels),
            "created_at": format_iso(self.created_at),
        }


def compute_definition_digest(definition: Mapping[str, Any]) -> str:
    """Return a digest of a definition that ignores name, version and the order of keys."""
    content = {key: value for key, value in definition.items() if key not in {"name", "version"}}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def choose_next_version(versions: Sequence[str]) -> str:
    """Return the number after the highest version."""
    return str(max((int(version) for version in versions if version.isdecimal()), default=0) + 1)
