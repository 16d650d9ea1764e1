"""Published pipelines and endpoints in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.pipelines.published import ACTIVE, PipelineEndpoint, PublishedPipeline
from mlrun_cli.store.db.database import Database, Row
from mlrun_cli.store.id_prefixes import list_ids_by_prefix

_FIELDS = PublishedPipeline._fields


class PublishedPipelineStore:
    """Reads and writes published pipelines and endpoints. Each method is one statement, or two that read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, pipeline: PublishedPipeline) -> None:
        """Insert a pipeline."""
        values = ", ".join(f":{name}" for name in _FIELDS)
        self._database.execute(
            f"INSERT INTO published_pipelines ({', '.join(_FIELDS)}) VALUES ({values})",  # noqa: S608 — our own words
            **pipeline._asdict(),
        )

    def find(self, pipeline_id: str) -> PublishedPipeline | None:
        """Return the pipeline with this id, or None if there is none."""
        row = self._database.row("SELECT * FROM published_pipelines WHERE pipeline_id = :id", id=pipeline_id)
        return None if row is None else _build_pipeline(row)

    def list_ids(self, prefix: str) -> Sequence[str]:
        """Return the first few ids that start with a prefix, in alphabetical order."""
        return list_ids_by_prefix(self._database, "published_pipelines", "pipeline_id", prefix)

    def list(self, *, active_only: bool) -> Sequence[PublishedPipeline]:
        """Return all or only the active pipelines, newest first."""
        rows = self._database.rows(
            "SELECT * FROM published_pipelines WHERE status = :active OR :all ORDER BY created_at DESC, pipeline_id",
            active=ACTIVE,
            all=not active_only,
        )
        return [_build_pipeline(row) for row in rows]

    def set_status(self, pipeline_id: str, status: str) -> None:
        """Set the status of a pipeline."""
        self._database.execute(
            "UPDATE published_pipelines SET status = :status WHERE pipeline_id = :id", status=status, id=pipeline_id
        )

    # Endpoints

    def add_endpoint(self, endpoint: PipelineEndpoint) -> bool:
        """Insert an endpoint without versions; return False if its name is already in use."""
        added = self._database.execute(
            "INSERT INTO pipeline_endpoints (endpoint_id, name, description, status, default_version, created_at)"
            " VALUES (:endpoint_id, :name, :description, :status, :default_version, :created_at)"
            " ON CONFLICT (name) DO NOTHING",
            **{name: value for name, value in endpoint._asdict().items() if name != "pipeline_ids"},
        )
        return bool(added)

    def add_endpoint_version(self, endpoint_id: str, pipeline_id: str) -> None:
        """Add a pipeline as the next version of an endpoint; versions are counted from 0."""
        self._database.execute(
            "INSERT INTO pipeline_endpoint_versions (endpoint_id, version, pipeline_id)"
            " SELECT :endpoint, count(*), :pipeline FROM pipeline_endpoint_versions WHERE endpoint_id = :endpoint",
            endpoint=endpoint_id,
            pipeline=pipeline_id,
        )

    def find_endpoint(self, *, endpoint_id: str | None = None, name: str | None = None) -> PipelineEndpoint | None:
        """Return the endpoint with this id or name, or None if there is none."""
        row = self._database.row(
            "SELECT * FROM pipeline_endpoints WHERE endpoint_id = :id OR name = :name", id=endpoint_id, name=name
        )
        return None if row is None else self._build_endpoint(row)

    def list_endpoints(self, *, active_only: bool) -> Sequence[PipelineEndpoint]:
        """Return all or only the active endpoints, newest first."""
        rows = self._database.rows(
            "SELECT * FROM pipeline_endpoints WHERE status = :active OR :all ORDER BY created_at DESC, endpoint_id",
            active=ACTIVE,
            all=not active_only,
        )
        return [self._build_endpoint(row) for row in rows]

    def update_endpoint(self, endpoint_id: str, *, name: str, status: str, default_version: int) -> bool:
        """Update an endpoint; return False if another one has the new name."""
        changed = self._database.execute(
            "UPDATE pipeline_endpoints SET name = :name, status = :status, default_version = :version"
            " WHERE endpoint_id = :id"
            " AND NOT EXISTS (SELECT 1 FROM pipeline_endpoints WHERE name = :name AND endpoint_id <> :id)",
            id=endpoint_id,
            name=name,
            status=status,
            version=default_version,
        )
        return bool(changed)

    def _build_endpoint(self, row: Row) -> PipelineEndpoint:
        versions = self._database.rows(
            "SELECT pipeline_id FROM pipeline_endpoint_versions WHERE endpoint_id = :id ORDER BY version",
            id=row["endpoint_id"],
        )
        fields = {name: row[name] for name in PipelineEndpoint._fields if name != "pipeline_ids"}
        return PipelineEndpoint(**fields, pipeline_ids=tuple(one["pipeline_id"] for one in versions))


def _build_pipeline(row: Row) -> PublishedPipeline:
    fields = {name: row[name] for name in _FIELDS}
    return PublishedPipeline(**{**fields, "continue_on_step_failure": bool(row["continue_on_step_failure"])})
