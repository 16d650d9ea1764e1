"""Migrations of the schema in steps that only add to it, since older supervisors may still use the database."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.errors import StoreError, StoreTooNew
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase

_KEEP = (
    "ALTER TABLE runs ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX runs_kept ON runs (run_key) WHERE is_kept = 1",
)
"""The flag of runs that `workspace prune` keeps."""

_OWNER_LOCK = (
    "ALTER TABLE schema_version ADD COLUMN applied INTEGER",
    "ALTER TABLE runs ADD COLUMN owner_lock TEXT",
    "UPDATE runs SET owner_lock = minded_by WHERE minded_by IS NOT NULL",
    "DROP INDEX runs_minded",
    """CREATE INDEX runs_by_owner_lock ON runs (owner_lock, run_key)
        WHERE owner_lock IS NOT NULL AND status NOT IN ('Canceled', 'Completed', 'Failed')""",
    """CREATE TRIGGER run_owner_lock AFTER INSERT ON runs WHEN new.owner_lock IS NOT new.minded_by BEGIN
        UPDATE runs SET owner_lock = coalesce(new.owner_lock, new.minded_by),
        minded_by = coalesce(new.minded_by, new.owner_lock) WHERE run_key = new.run_key; END""",
)
"""The column `minded_by` becomes `owner_lock`.

Supervisors of the previous version still read and insert `minded_by`, so a trigger keeps both columns equal. Neither
column is ever updated.
"""

_ATTEMPTS = (
    "ALTER TABLE runs ADD COLUMN attempts TEXT",
    "ALTER TABLE metrics ADD COLUMN earlier_count INTEGER NOT NULL DEFAULT 0",
)
"""The attempts of runs whose script was started again, and the numbers of values that earlier attempts have logged."""

_START_CONDITIONS = (
    "ALTER TABLE runs ADD COLUMN predecessor_key INTEGER",
    "ALTER TABLE runs ADD COLUMN begin_at INTEGER",
    "ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
)
"""The run that a queued run starts after, the time before which it does not start, and its rank in the queue."""

_TRACKING = (
    "ALTER TABLE run_parameters ADD COLUMN is_logged INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE model_names ADD COLUMN document TEXT",
)
"""The flag of parameters that a script has logged, and what MLflow's clients keep of all versions of a model."""

_CONTROLLER = (
    "ALTER TABLE runs ADD COLUMN controller TEXT",
    """CREATE INDEX runs_controlled ON runs (run_key)
        WHERE controller IS NOT NULL AND status NOT IN ('Canceled', 'Completed', 'Failed')""",
)
"""The kind of controller that a run has instead of a supervisor, such as that of a sweep."""

_METRIC_ORDERS = tuple(
    statement
    for name in ("last", "min", "max")
    for statement in (
        f"DROP INDEX metrics_by_{name}",
        f"CREATE INDEX metrics_by_{name} ON metrics (name, {name}_value, run_key)",
    )
)
"""The orders of runs by a metric contain the runs, so that reading along them reads no rows of metrics."""

_FIELD_INDEXES = (
    "CREATE INDEX runs_by_exit_code ON runs (exit_code, run_key) WHERE exit_code IS NOT NULL",
    "CREATE INDEX runs_by_ended ON runs (ended_at, run_key) WHERE ended_at IS NOT NULL",
)
"""Indexes for conditions on the exit code and the end of runs."""

SCHEMA_VERSION = 17
"""The number of steps that this program knows."""


def list_migration_steps() -> Sequence[tuple[Sequence[str], bool]]:
    """Return the SQL statements of each migration, and whether older programs can use the store after it."""
    from mlrun_cli.store.db.sqlite.first_schema import FIRST_STEPS  # noqa: PLC0415 - not on the way of most commands
    from mlrun_cli.store.db.sqlite.parameter_schema import BUILD_PARAMETERS  # noqa: PLC0415
    from mlrun_cli.store.db.sqlite.pipeline_schema import BUILD_PIPELINES  # noqa: PLC0415
    from mlrun_cli.store.db.sqlite.trash_schema import BUILD_TRASH  # noqa: PLC0415

    first = ((statements, False) for statements in FIRST_STEPS)
    return (
        *first,
        (_KEEP, False),
        (_OWNER_LOCK, True),
        (BUILD_PARAMETERS, True),
        (BUILD_TRASH, True),
        (_ATTEMPTS, True),
        (_START_CONDITIONS, True),
        (_TRACKING, True),
        (_CONTROLLER, True),
        (BUILD_PIPELINES, True),
        (_METRIC_ORDERS, True),
        (_FIELD_INDEXES, True),
    )


def migrate(database: SqliteDatabase, location: str, version: int = SCHEMA_VERSION) -> None:
    """Migrate a database to a schema version; do nothing if it has that version or a newer one.

    Raises:
        StoreError: the database requires a newer version of this program.
    """
    required, applied = _read_versions(database)
    if required > version:
        raise StoreTooNew(
            f"The store {location} was written by a newer mlrun-cli (schema {required}, this one knows {version}).",
            hint="Upgrade mlrun-cli, or choose another workspace with -w.",
        )
    if applied >= version:
        return
    steps = list_migration_steps()
    with database.transaction(durable=True):
        _, applied = _read_versions(database)
        for number, (statements, is_compatible) in enumerate(steps[applied:version], start=applied + 1):
            for statement in statements:
                database.execute(statement)
            column = "applied" if is_compatible else "version"
            database.execute(f"UPDATE schema_version SET {column} = :number", number=number)  # noqa: S608 — our own words
    database.checkpoint()


def _read_versions(database: SqliteDatabase) -> tuple[int, int]:
    """Return the required and the applied schema version; create the version table of a new database.

    Earlier programs know only the required version, and expect exactly one row.
    """
    row = None
    try:
        row = database.row("SELECT * FROM schema_version")
    except StoreError as error:
        if "no such table" not in str(error):
            raise
    if row is None:
        database.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        database.execute(
            "INSERT INTO schema_version (version) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version)"
        )
        return 0, 0
    version = int(row["version"])
    applied = row["applied"] if "applied" in row.keys() else None  # noqa: SIM118 — of a row
    return version, max(version, applied or 0)
