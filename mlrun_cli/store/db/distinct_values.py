"""Distinct values of a column, found by seeks in its index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mlrun_cli.store.db.database import Database


def list_distinct_values(
    database: Database,
    table: str,
    column: str,
    limit: int,
    conditions: Sequence[str] = (),
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> Sequence[str]:
    """Return the first `limit` distinct values of a column in rows that meet conditions, by seeks in its index."""
    first, next_one = (
        " AND ".join(["TRUE", *conditions]),
        " AND ".join([f"{column} > each_value.value", *conditions]),
    )
    return database.column(
        f"WITH RECURSIVE each_value (value) AS (SELECT min({column}) FROM {table} WHERE {first}"  # noqa: S608
        f" UNION ALL SELECT (SELECT min({column}) FROM {table} WHERE {next_one})"
        " FROM each_value WHERE each_value.value IS NOT NULL)"
        " SELECT value FROM each_value WHERE value IS NOT NULL LIMIT :limit",
        limit=limit,
        **parameters,
    )
