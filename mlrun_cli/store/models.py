"""Models in the database: every SQL statement about them is in this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import ModelNotFound
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel
from mlrun_cli.store.db.database import Database, Row


class ModelStore:
    """Reads and writes models; `reserve_version` and `insert` must share one transaction.

    Secrets in tags, properties and descriptions are redacted.
    """

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    def reserve_version(self, name: str) -> int:
        """Reserve and return the next version of a model name; a version is never assigned twice."""
        row = self._database.row(
            "INSERT INTO model_names (name, last_version) VALUES (:name, 1)"
            " ON CONFLICT (name) DO UPDATE SET last_version = model_names.last_version + 1 RETURNING last_version",
            name=name,
        )
        assert row is not None
        return int(row["last_version"])

    def insert(self, new_model: NewModel, version: int, user_name: str) -> None:
        """Insert a version of a model."""
        moment = now()
        self._database.execute(
            "INSERT INTO models (name, version, run_id, experiment_name, user_name, framework, framework_version,"
            " description, tags, properties, details, created_at, modified_at)"
            " VALUES (:name, :version, :run_id, :experiment_name, :user_name, :framework, :framework_version,"
            " :description, :tags, :properties, :details, :created_at, :modified_at)",
            name=new_model.name,
            version=version,
            run_id=new_model.run_id,
            experiment_name=new_model.experiment_name,
            user_name=user_name,
            framework=new_model.framework,
            framework_version=new_model.framework_version,
            description=self._redactor.redact_optional(new_model.description),
            tags=_to_json(self._redactor.redact_document(new_model.tags)),
            properties=_to_json(self._redactor.redact_document(new_model.properties)),
            details=_to_json(new_model.details._asdict()),
            created_at=moment,
            modified_at=moment,
        )

    def get(self, name: str, version: int | None = None) -> Model:
        """Return a version of a model, by default the newest.

        Raises:
            ModelNotFound: it does not exist; the message lists the existing ones.
        """
        found = self.list(ModelFilter(name=name, version=version))
        if not found:
            raise self._build_not_found_error(name, version)
        return found[0]

    def list(self, model_filter: ModelFilter) -> Sequence[Model]:
        """Return the models that match a filter, newest first."""
        columns = {
            "name": model_filter.name,
            "version": model_filter.version,
            "run_id": model_filter.run_id,
            "framework": model_filter.framework,
        }
        wanted = {column: value for column, value in columns.items() if value is not None}
        where = " AND ".join(f"{column} = :{column}" for column in wanted) or "1 = 1"
        rows = self._database.rows(f"SELECT * FROM models WHERE {where} ORDER BY model_key DESC", **wanted)  # noqa: S608
        return model_filter.select(map(_build_model, rows))

    def update(
        self,
        model: Model,
        *,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
        description: str | None,
        details: ModelDetails,
    ) -> None:
        """Update the mutable columns of a model."""
        self._database.execute(
            "UPDATE models SET tags = :tags, properties = :properties, description = :description,"
            " details = :details, modified_at = :now WHERE model_key = :key",
            key=model.key,
            tags=_to_json(self._redactor.redact_document(tags)),
            properties=_to_json(self._redactor.redact_document(properties)),
            description=self._redactor.redact_optional(description),
            details=_to_json(details._asdict()),
            now=now(),
        )

    def delete(self, model: Model) -> bool:
        """Delete a version of a model; return False if it no longer exists."""
        return bool(self._database.execute("DELETE FROM models WHERE model_key = :key", key=model.key))

    def get_registry_data(self) -> dict[str, dict[str, Any]]:
        """Return the registry data that MLflow clients have stored for all models, keyed by model name."""
        rows = self._database.rows("SELECT name, document FROM model_names WHERE document IS NOT NULL ORDER BY name")
        return {row["name"]: json.loads(row["document"]) for row in rows}

    def set_registry_data(self, name: str, registry_data: Mapping[str, Any] | None) -> None:
        """Set the registry data of an MLflow client for a model, in the caller's transaction; None removes it."""
        self._database.execute(
            "INSERT INTO model_names (name, last_version, document) VALUES (:name, 0, :document)"
            " ON CONFLICT (name) DO UPDATE SET document = excluded.document",
            name=name,
            document=None if registry_data is None else _to_json(self._redactor.redact_document(registry_data)),
        )

    def _build_not_found_error(self, name: str, version: int | None) -> ModelNotFound:
        versions = [str(model.version) for model in self.list(ModelFilter(name=name))]
        if versions:
            return ModelNotFound(
                f"The model '{name}' has no version {version}. There are: {', '.join(reversed(versions))}.", target=name
            )
        names = [row["name"] for row in self._database.rows("SELECT DISTINCT name FROM models ORDER BY name")]
        there_are = f" There are: {', '.join(names)}." if names else " There are none yet."
        return ModelNotFound(f"There is no model '{name}'.{there_are}", target=name)


def _to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _build_model(row: Row) -> Model:
    details = json.loads(row["details"])
    pairs = [(purpose, guid) for purpose, guid in details["datasets"]]
    return Model(
        key=row["model_key"],
        name=row["name"],
        version=row["version"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        user_name=row["user_name"],
        run_id=row["run_id"],
        experiment_name=row["experiment_name"],
        framework=row["framework"],
        framework_version=row["framework_version"],
        description=row["description"],
        tags=json.loads(row["tags"]),
        properties=json.loads(row["properties"]),
        details=ModelDetails(**{**details, "datasets": pairs}),
    )
