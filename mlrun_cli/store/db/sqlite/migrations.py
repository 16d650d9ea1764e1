"""Brings a database to the schema of this program."""

from __future__ import annotations

from contextlib import suppress

from mlrun_cli.errors import StoreError, StoreTooNew
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase

SCHEMA_VERSION = 8
"""How many migrations this program knows."""


def migrate(database: SqliteDatabase, where: str, version: int = SCHEMA_VERSION) -> None:
    """Bring the database to a version of the schema; do nothing when it is there.

    Raises:
        StoreError: it was made by a newer version of the program, and this one cannot go on with it.
    """
    required, applied = _version(database)
    if required > version:
        raise StoreTooNew(
            f"The store {where} was written by a newer mlrun-cli (schema {required}, this one knows {version}).",
            hint="Upgrade mlrun-cli, or choose another workspace with -w.",
        )
    if applied >= version:
        return
    from mlrun_cli.store.db.sqlite.schema import MIGRATIONS  # noqa: PLC0415 - not on the way of most commands

    with database.transaction(durable=True):
        _, applied = _version(database)
        for number, migration in enumerate(MIGRATIONS[applied:version], start=applied + 1):
            for statement in migration.statements:
                database.execute(statement)
            column = "applied" if migration.is_compatible else "version"
            database.execute(f"UPDATE schema_version SET {column} = :number", number=number)  # noqa: S608 — our own words
    database.checkpoint()


def _version(database: SqliteDatabase) -> tuple[int, int]:
    """Return which migration a program must know at least, and how many have been applied; 0 in a new database.

    Programs of before know the first alone, and that there is one row.
    """
    row = None
    with suppress(StoreError):  # there is no such table
        row = database.row("SELECT * FROM schema_version")
    if row is None:
        database.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        database.execute(
            "INSERT INTO schema_version (version) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version)"
        )
        return 0, 0
    version = int(row["version"])
    applied = row["applied"] if "applied" in row.keys() else None  # noqa: SIM118 — of a row
    return version, max(version, applied or 0)
