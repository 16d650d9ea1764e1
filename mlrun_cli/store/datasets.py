"""Datasets in the database: every SQL statement about them is in this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.data.dataset import Dataset, Definition, serialize_definition
from mlrun_cli.store.db.database import Database, Row


class DatasetStore:
    """Reads and writes datasets, including unnamed ones, which are kept for the runs that use them.

    Secrets in tags and descriptions are redacted; those in URLs are kept, since they are needed to read the data.
    """

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    def find_by_id(self, dataset_id: str) -> Dataset | None:
        """Return the dataset with this id, ignoring case, or None if there is none."""
        return self._find_by_condition("dataset_id = :dataset_id", dataset_id=dataset_id.lower())

    def find(self, name: str, version: int | None = None) -> Dataset | None:
        """Return a version of a dataset, by default the latest, or None if it does not exist."""
        if version is None:
            return self._find_by_condition("name = :name ORDER BY version DESC LIMIT 1", name=name)
        return self._find_by_condition("name = :name AND version = :version", name=name, version=version)

    def find_unnamed_dataset(self, definition: Definition) -> Dataset | None:
        """Return an unnamed dataset with the same definition, or None if there is none."""
        return self._find_by_condition(
            "name IS NULL AND definition = :definition ORDER BY dataset_key LIMIT 1",
            definition=serialize_definition(definition),
        )

    def find_by_definition(self, definition: Definition) -> Dataset | None:
        """Return the newest dataset with the same definition, a registered one first, or None if there is none."""
        return self._find_by_condition(
            "definition = :definition ORDER BY name IS NULL, dataset_key DESC LIMIT 1",
            definition=serialize_definition(definition),
        )

    def list_latest_versions(self) -> Sequence[Dataset]:
        """Return the latest version of every registered dataset, sorted by name."""
        rows = self._database.rows(
            "SELECT datasets.* FROM datasets JOIN"
            " (SELECT name, max(version) AS version FROM datasets WHERE name IS NOT NULL GROUP BY name) AS newest"
            " ON datasets.name = newest.name AND datasets.version = newest.version ORDER BY datasets.name"
        )
        return [_build_dataset(row) for row in rows]

    def insert(
        self,
        definition: Definition,
        *,
        dataset_id: str | None = None,
        name: str | None = None,
        version: int | None = None,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
    ) -> Dataset:
        """Insert a dataset, under a new id unless one is given, and return it."""
        row = self._database.row(
            "INSERT INTO datasets (dataset_id, name, version, kind, definition, description, tags, created_at)"
            " VALUES (:dataset_id, :name, :version, :kind, :definition, :description, :tags, :now) RETURNING *",
            dataset_id=dataset_id or generate_guid(),
            name=name,
            version=version,
            kind=definition["kind"],
            definition=serialize_definition(definition),
            description=self._redactor.redact_optional(description),
            tags=json.dumps(self._redactor.redact_document(tags or {})),
            now=now(),
        )
        assert row is not None
        return _build_dataset(row)

    def update(self, dataset: Dataset, description: str | None, tags: Mapping[str, str | None]) -> None:
        """Update the description and tags of a dataset."""
        self._database.execute(
            "UPDATE datasets SET description = :description, tags = :tags WHERE dataset_key = :key",
            description=self._redactor.redact_optional(description),
            tags=json.dumps(self._redactor.redact_document(tags)),
            key=dataset.key,
        )

    def set_name(self, dataset: Dataset, name: str, version: int) -> None:
        """Register an unnamed dataset, or one whose name was removed, under a name and version."""
        self._database.execute(
            "UPDATE datasets SET name = :name, version = :version WHERE dataset_key = :key",
            name=name,
            version=version,
            key=dataset.key,
        )

    def remove_name(self, name: str) -> None:
        """Remove the name from all versions of a dataset; runs that used one of them can still find it by id."""
        self._database.execute("UPDATE datasets SET name = NULL, version = NULL WHERE name = :name", name=name)

    def _find_by_condition(self, condition: str, **parameters: object) -> Dataset | None:
        row = self._database.row(f"SELECT * FROM datasets WHERE {condition}", **parameters)  # noqa: S608 - our own words
        return None if row is None else _build_dataset(row)


def _build_dataset(row: Row) -> Dataset:
    return Dataset(
        key=row["dataset_key"],
        dataset_id=row["dataset_id"],
        name=row["name"],
        version=row["version"],
        definition=json.loads(row["definition"]),
        description=row["description"],
        tags=json.loads(row["tags"]),
        created_at=row["created_at"],
    )
