"""Rows of runs: the query that selects them, and conversions between rows and values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.processes.host import Origin
from mlrun_cli.runs.run import ERRORS, FREE_TEXTS, Run
from mlrun_cli.runs.status import TERMINAL_STATUSES, RunStatus
from mlrun_cli.store.db.database import Row

SELECT_RUN = (
    "SELECT runs.*, experiments.name AS experiment_name, experiments.experiment_id AS experiment_id,"
    " parents.run_id AS parent_run_id, coalesce(parents.display_name, parents.run_id) AS parent_name,"
    " roots.run_id AS root_run_id, roots.run_uuid AS root_run_uuid"
    " FROM runs JOIN experiments ON experiments.experiment_key = runs.experiment_key"
    " LEFT JOIN runs AS parents ON parents.run_key = runs.parent_key"
    " LEFT JOIN runs AS roots ON roots.run_key = runs.root_key"
)
TERMINAL = ", ".join(sorted(f"'{status.value}'" for status in TERMINAL_STATUSES))
"""The final statuses, as an SQL list."""
ALIVE = f"runs.status NOT IN ({TERMINAL})"
DURATION = "coalesce(runs.duration_seconds, (runs.ended_at - runs.started_at) / 1000000.0)"
"""The duration of a run in seconds, word for word as in its index."""
IS_RUNNING = f"runs.status NOT IN ({TERMINAL}) AND runs.started_at IS NOT NULL AND {DURATION} IS NULL"
"""The condition that the duration of a run grows with time, so that no index contains it."""
ELAPSED = f"((:order_now - runs.started_at) / {MICROSECONDS}.0)"
"""The duration of such a run until `order_now`."""


def to_columns(redactor: Redactor, columns: Mapping[str, object]) -> dict[str, object]:
    """Convert values to database columns, redacting secrets in texts from users and scripts."""
    return {name: _to_column(_redact_column(redactor, name, value)) for name, value in columns.items()}


def _redact_column(redactor: Redactor, name: str, value: Any) -> object:
    if name in FREE_TEXTS:
        return redactor.redact_optional(value)
    return redactor.redact_error(value) if name in ERRORS else value


def _to_column(value: object) -> object:
    if isinstance(value, RunStatus):
        return value.value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    return value


def _parse_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


# Other fields of `Run` are columns of the same name.
_NO_COLUMNS = {"key", "origin", "properties", "root_run_id", "root_run_uuid", "tags", "waiting_for"}
_PLAIN_TYPES = {"str", "int", "float"}
_READERS_BY_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "bool": bool,
    "Mapping[str, Any] | None": _parse_json,
    "RunStatus": RunStatus,
    "RunStatus | None": lambda text: None if text is None else RunStatus(text),
    "tuple[str, ...]": lambda text: tuple(_parse_json(text) or ()),
    "tuple[Mapping[str, Any], ...]": lambda text: tuple(_parse_json(text) or ()),
}
_READERS = {
    name: _READERS_BY_TYPE[kind]
    for name, kind in Run.__annotations__.items()
    if name not in _NO_COLUMNS and kind.removesuffix(" | None") not in _PLAIN_TYPES
}
"""The columns that need conversion, with their converters: by the annotation of the field of `Run`."""
_PLAIN_COLUMNS = tuple(name for name in Run._fields if name not in {*_READERS, *_NO_COLUMNS})
_get_plain = itemgetter(*_PLAIN_COLUMNS)


def build_run(row: Row, tags: Mapping[str, str | None], properties: Mapping[str, str]) -> Run:
    """Build a run from a row of `SELECT_RUN`, its tags and its properties."""
    values = dict(zip(_PLAIN_COLUMNS, _get_plain(row), strict=True))
    for name, read in _READERS.items():
        values[name] = read(row[name])
    return Run(
        key=row["run_key"],
        root_run_id=row["root_run_id"] or row["run_id"],
        root_run_uuid=row["root_run_uuid"] or row["run_uuid"],
        origin=None if row["host_id"] is None else Origin(row["host_id"], row["boot_id"], row["pid_namespace"]),
        tags=tags,
        properties=properties,
        **values,
    )
