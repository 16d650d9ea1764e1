"""Registered environments in the database: every SQL statement about them is in this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.time import now
from mlrun_cli.environments.registered import RegisteredEnvironment
from mlrun_cli.errors import EnvironmentNotFound
from mlrun_cli.store.db.database import Database, Row


class EnvironmentStore:
    """Reads and writes registered environments. Each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, version: str) -> RegisteredEnvironment:
        """Return a version of an environment.

        Raises:
            EnvironmentNotFound: it does not exist.
        """
        found = self.find(name, version)
        if found is None:
            raise EnvironmentNotFound(f"The environment '{name}' has no version {version}.", target=name)
        return found

    def find(self, name: str, version: str) -> RegisteredEnvironment | None:
        """Return a version of an environment, or None if it does not exist."""
        row = self._database.row(
            "SELECT * FROM environments WHERE name = :name AND version = :version", name=name, version=version
        )
        return None if row is None else _build_environment(row)

    def list_versions(self, name: str) -> Sequence[RegisteredEnvironment]:
        """Return all versions of an environment, in the order of their registration."""
        rows = self._database.rows("SELECT * FROM environments WHERE name = :name ORDER BY environment_key", name=name)
        return [_build_environment(row) for row in rows]

    def list_newest_versions(self) -> Sequence[RegisteredEnvironment]:
        """Return the newest version of every environment, sorted by name."""
        rows = self._database.rows(
            "SELECT * FROM environments WHERE environment_key IN"
            " (SELECT max(environment_key) FROM environments GROUP BY name) ORDER BY name"
        )
        return [_build_environment(row) for row in rows]

    def insert(self, name: str, version: str, definition: Mapping[str, Any], digest: str) -> None:
        """Insert a new version of an environment; the version must not exist yet."""
        self._database.execute(
            "INSERT INTO environments (name, version, definition, digest, labels, created_at)"
            " VALUES (:name, :version, :definition, :digest, '[]', :now)",
            name=name,
            version=version,
            definition=json.dumps(dict(definition)),
            digest=digest,
            now=now(),
        )

    def set_labels(self, version_key: int, labels: Sequence[str]) -> None:
        """Replace the labels of a version of an environment."""
        self._database.execute(
            "UPDATE environments SET labels = :labels WHERE environment_key = :key",
            labels=json.dumps(list(labels)),
            key=version_key,
        )


def _build_environment(row: Row) -> RegisteredEnvironment:
    return RegisteredEnvironment(
        key=row["environment_key"],
        name=row["name"],
        version=row["version"],
        definition=json.loads(row["definition"]),
        digest=row["digest"],
        labels=tuple(json.loads(row["labels"])),
        created_at=row["created_at"],
    )
