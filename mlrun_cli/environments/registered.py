"""Registered environments: definitions that a workspace stores by name and version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso

LATEST = "latest"
"""The label of the newest version."""


class RegisteredEnvironment(NamedTuple):
    """A version of a registered environment; `definition` is the `environment` section of a runconfig.

    `digest` identifies the definition regardless of name and version. `created_at` is a timestamp in microseconds.
    """

    key: int
    name: str
    version: str
    definition: Mapping[str, Any]
    digest: str
    labels: Sequence[str]
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """Return the environment as a JSON-compatible dict, as commands print it."""
        return {
            "name": self.name,
            "version": self.version,
            "definition": dict(self.definition),
            "labels": list(self.labels),
            "created_at": format_iso(self.created_at),
        }


def compute_definition_digest(definition: Mapping[str, Any]) -> str:
    """Return a digest of an environment definition, whatever its name, its version and the order of its keys."""
    content = {key: value for key, value in definition.items() if key not in {"name", "version"}}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def choose_next_version(versions: Sequence[str]) -> str:
    """Return the next version: one more than the highest numeric version, starting with "1"."""
    return str(max((int(version) for version in versions if version.isdecimal()), default=0) + 1)
