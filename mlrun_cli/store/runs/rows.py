"""Rows of runs: how they are selected, and the values that are made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.redaction import Redaction
from mlrun_cli.processes.host import Origin
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Row
from mlrun_cli.store.runs.conditions import TERMINAL

SELECT_RUN = (
    "SELECT runs.*, experiments.name AS experiment_name, experiments.experiment_id AS experiment_id,"
    " parents.run_id AS parent_run_id, coalesce(parents.display_name, parents.run_id) AS parent_name,"
    " roots.run_id AS root_run_id, roots.run_uuid AS root_run_uuid"
    " FROM runs JOIN experiments ON experiments.experiment_key = runs.experiment_key"
    " LEFT JOIN runs AS parents ON parents.run_key = runs.parent_key"
    " LEFT JOIN runs AS roots ON roots.run_key = runs.root_key"
)
ALIVE = f"runs.status NOT IN ({TERMINAL})"
_TEXTS = {"display_name", "description"}
_ERRORS = {"error", "wanted_error", "failed_with"}


def to_columns(redaction: Redaction, columns: Mapping[str, object]) -> dict[str, object]:
    """Return the values as the database takes them, without the secrets in what a user or a script has written."""
    return {name: _to_column(_redacted(redaction, name, value)) for name, value in columns.items()}


def _redacted(redaction: Redaction, name: str, value: Any) -> object:
    if name in _TEXTS:
        return redaction.optional_text(value)
    return redaction.error(value) if name in _ERRORS else value


def _to_column(value: object) -> object:
    if isinstance(value, RunStatus):
        return value.value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    return value


def _from_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def run_from_row(row: Row, tags: Mapping[str, str | None], properties: Mapping[str, str]) -> Run:
    """Return the run of a row of `SELECT_RUN`."""
    origin = None if row["host_id"] is None else Origin(row["host_id"], row["boot_id"], row["pid_namespace"])
    return Run(
        key=row["run_key"],
        run_id=row["run_id"],
        run_uuid=row["run_uuid"],
        run_number=row["run_number"],
        experiment_id=row["experiment_id"],
        experiment_name=row["experiment_name"],
        run_type=row["run_type"],
        status=RunStatus(row["status"]),
        created_at=row["created_at"],
        user_name=row["user_name"],
        root_run_id=row["root_run_id"] or row["run_id"],
        root_run_uuid=row["root_run_uuid"] or row["run_uuid"],
        parent_run_id=row["parent_run_id"],
        parent_name=row["parent_name"],
        display_name=row["display_name"],
        description=row["description"],
        script_name=row["script_name"],
        target=row["target"],
        hidden=bool(row["hidden"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_seconds=row["duration_seconds"],
        exit_code=row["exit_code"],
        signal=row["signal"],
        error=_from_json(row["error"]),
        warnings=tuple(_from_json(row["warnings"]) or ()),
        definition=_from_json(row["definition"]),
        wanted_status=None if row["wanted_status"] is None else RunStatus(row["wanted_status"]),
        wanted_error=_from_json(row["wanted_error"]),
        origin=origin,
        lease_until=row["lease_until"],
        cancel_grace_seconds=row["cancel_grace_seconds"],
        experiment_key=row["experiment_key"],
        root_key=row["root_key"],
        owner_lock=row["owner_lock"],
        failed_with=_from_json(row["failed_with"]),
        node_count=row["node_count"],
        gpu_count=row["gpu_count"],
        gpus=row["gpus"],
        visible_gpus=row["visible_gpus"],
        is_kept=bool(row["is_kept"]),
        tags=tags,
        properties=properties,
    )
