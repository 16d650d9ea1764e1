"""Ids that start with a prefix, read from the index of their table."""

from __future__ import annotations

from mlrun_cli.store.db.database import Database

CANDIDATES = 5
"""The number of ids that are read: one is wanted, and others are shown in a message."""


def list_ids_by_prefix(database: Database, table: str, column: str, prefix: str) -> list[str]:
    """Return the first few ids with this prefix in a column, in alphabetical order, which puts an exact match first."""
    rows = database.rows(
        f"SELECT {column} AS id FROM {table} WHERE {column} >= :prefix AND {column} < :beyond"  # noqa: S608 — our own words
        " ORDER BY 1 LIMIT :limit",
        prefix=prefix,
        beyond=f"{prefix}\U0010ffff",
        limit=CANDIDATES,
    )
    return [row["id"] for row in rows]
