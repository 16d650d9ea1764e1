"""The schema, as numbered steps that only add, so that older supervisors live on beside a newer program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from mlrun_cli.errors import StoreError
from mlrun_cli.store.database import Database, Dialect
from mlrun_cli.store.page_schema import page_schema, pair_order_schema


def _first_schema(words: Dialect) -> list[str]:
    key, integer, real = words.rising_key, words.integer, words.real
    return [
        f"""CREATE TABLE experiments (
            experiment_key {key},
            experiment_id TEXT NOT NULL,
            name TEXT NOT NULL UNIQUE,
            created_at {integer} NOT NULL,
            description TEXT,
            archived_at {integer},
            last_run_number {integer} NOT NULL DEFAULT 0
        )""",
        f"""CREATE TABLE runs (
            run_key {key},
            run_id TEXT NOT NULL UNIQUE,
            run_uuid TEXT NOT NULL,
            experiment_key {integer} NOT NULL,
            run_number {integer} NOT NULL,
            parent_key {integer},
            root_key {integer},
            run_type TEXT NOT NULL,
            status TEXT NOT NULL,
            created_at {integer} NOT NULL,
            user_name TEXT NOT NULL,
            display_name TEXT,
            description TEXT,
            script_name TEXT,
            target TEXT,
            hidden {integer} NOT NULL DEFAULT 0,
            started_at {integer},
            ended_at {integer},
            duration_seconds {real},
            exit_code {integer},
            signal TEXT,
            error TEXT,
            warnings TEXT,
            definition TEXT,
            wanted_status TEXT,
            wanted_error TEXT,
            host_id TEXT,
            boot_id TEXT,
            pid_namespace TEXT,
            lease_until {integer},
            cancel_grace_seconds {real}
        )""",
        "CREATE INDEX runs_by_experiment ON runs (experiment_key, run_key)",
        "CREATE INDEX runs_at_top ON runs (experiment_key, run_key) WHERE parent_key IS NULL",
        "CREATE INDEX runs_by_parent ON runs (parent_key, run_key) WHERE parent_key IS NOT NULL",
        "CREATE INDEX runs_at_top_of_all ON runs (run_key) WHERE parent_key IS NULL",
        "CREATE INDEX runs_by_status_of_all ON runs (status, run_key)",
        "CREATE INDEX runs_by_status ON runs (experiment_key, status, run_key)",
        "CREATE INDEX runs_by_target ON runs (experiment_key, target, run_key)",
        "CREATE INDEX runs_alive ON runs (run_key) WHERE status NOT IN ('Canceled', 'Completed', 'Failed')",
        f"""CREATE TABLE run_tags (
            run_key {integer} NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (run_key, key)
        ) {words.clustered}""",
        "CREATE INDEX run_tags_by_key ON run_tags (key, value, run_key)",
        f"""CREATE TABLE run_properties (
            run_key {integer} NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_key, key)
        ) {words.clustered}""",
        "CREATE INDEX run_properties_by_key ON run_properties (key, value, run_key)",
        f"""CREATE TABLE status_changes (
            change_key {key},
            run_key {integer} NOT NULL,
            status TEXT NOT NULL,
            changed_at {integer} NOT NULL
        )""",
        "CREATE INDEX status_changes_by_run ON status_changes (run_key)",
        f"""CREATE TABLE metrics (
            metric_key {key},
            run_key {integer} NOT NULL,
            name TEXT NOT NULL,
            shape TEXT NOT NULL,
            description TEXT,
            value_count {integer} NOT NULL DEFAULT 0,
            last_value {real},
            min_value {real},
            max_value {real},
            UNIQUE (run_key, name)
        )""",
        "CREATE INDEX metrics_by_last ON metrics (name, last_value)",
        "CREATE INDEX metrics_by_min ON metrics (name, min_value)",
        "CREATE INDEX metrics_by_max ON metrics (name, max_value)",
        f"""CREATE TABLE metric_values (
            metric_key {integer} NOT NULL,
            position {integer} NOT NULL,
            logged_at {integer} NOT NULL,
            step {real},
            kind TEXT NOT NULL,
            number {real},
            text TEXT,
            PRIMARY KEY (metric_key, position)
        ) {words.clustered}""",
        f"""CREATE TABLE journals (
            run_key {integer} NOT NULL,
            name TEXT NOT NULL,
            bytes_read {integer} NOT NULL DEFAULT 0,
            PRIMARY KEY (run_key, name)
        )""",
    ]


def _sdk_schema(words: Dialect) -> list[str]:
    """What `azureml.core` keeps besides runs: open runs, models, data, environments and compute targets."""
    key, integer = words.rising_key, words.integer
    return [
        # The folder, relative to the workspace's, whose lock says whether the run is alive; null means its own.
        "ALTER TABLE runs ADD COLUMN minded_by TEXT",
        # The error that somebody outside gave with `fail()`, which is to stop the script.
        "ALTER TABLE runs ADD COLUMN failed_with TEXT",
        """CREATE INDEX runs_minded ON runs (minded_by, run_key)
            WHERE minded_by IS NOT NULL AND status NOT IN ('Canceled', 'Completed', 'Failed')""",
        f"""CREATE TABLE session_journals (
            name TEXT PRIMARY KEY, bytes_read {integer} NOT NULL DEFAULT 0
        )""",
        f"""CREATE TABLE experiment_tags (
            experiment_key {integer} NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (experiment_key, key)
        ) {words.clustered}""",
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
        f"""CREATE TABLE compute_targets (
            name TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            definition TEXT NOT NULL,
            created_at {integer} NOT NULL,
            modified_at {integer} NOT NULL
        )""",
        f"""CREATE TABLE datastores (
            name TEXT PRIMARY KEY, folder TEXT NOT NULL, created_at {integer} NOT NULL
        )""",
        f"""CREATE TABLE datasets (
            dataset_key {key},
            dataset_id TEXT NOT NULL UNIQUE,
            name TEXT,
            version {integer},
            kind TEXT NOT NULL,
            definition TEXT NOT NULL,
            description TEXT,
            tags TEXT NOT NULL,
            created_at {integer} NOT NULL,
            UNIQUE (name, version)
        )""",
        f"""CREATE TABLE environments (
            environment_key {key},
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            definition TEXT NOT NULL,
            digest TEXT NOT NULL,
            labels TEXT NOT NULL,
            created_at {integer} NOT NULL,
            UNIQUE (name, version)
        )""",
        f"""CREATE TABLE models (
            model_key {key},
            name TEXT NOT NULL,
            version {integer} NOT NULL,
            run_id TEXT,
            experiment_name TEXT,
            user_name TEXT NOT NULL,
            framework TEXT,
            framework_version TEXT,
            description TEXT,
            tags TEXT NOT NULL,
            properties TEXT NOT NULL,
            details TEXT NOT NULL,
            created_at {integer} NOT NULL,
            modified_at {integer} NOT NULL,
            UNIQUE (name, version)
        )""",
        "CREATE INDEX models_by_run ON models (run_id) WHERE run_id IS NOT NULL",
        # Versions that were given once are not given again, deleted or not.
        f"CREATE TABLE model_names (name TEXT PRIMARY KEY, last_version {integer} NOT NULL)",
    ]


def _queue_schema(words: Dialect) -> list[str]:
    """What a run needs of its target, and the rows that wait."""
    return [
        f"ALTER TABLE runs ADD COLUMN node_count {words.integer} NOT NULL DEFAULT 1",
        f"ALTER TABLE runs ADD COLUMN gpu_count {words.integer} NOT NULL DEFAULT 0",
        # Those that it was given, as CUDA_VISIBLE_DEVICES names them.
        "ALTER TABLE runs ADD COLUMN gpus TEXT",
        "CREATE INDEX runs_queued ON runs (target, run_key) WHERE status = 'Queued'",
    ]


def _gpu_schema(_words: Dialect) -> list[str]:
    """Of which GPUs a run may be given some: its submitter's CUDA_VISIBLE_DEVICES; null means all of the machine."""
    return ["ALTER TABLE runs ADD COLUMN visible_gpus TEXT"]


def _keep_schema(words: Dialect) -> list[str]:
    """Whether a run is spared by `workspace prune`."""
    return [
        f"ALTER TABLE runs ADD COLUMN is_kept {words.integer} NOT NULL DEFAULT 0",
        "CREATE INDEX runs_kept ON runs (run_key) WHERE is_kept = 1",
    ]


def _owner_lock_schema(_words: Dialect) -> list[str]:
    """The column `minded_by` becomes `owner_lock`.

    Supervisors of the version before go on to read and to insert `minded_by`: triggers keep both columns equal. Nobody
    updates either one.
    """
    return [
        "ALTER TABLE schema_version ADD COLUMN applied INTEGER",
        "ALTER TABLE runs ADD COLUMN owner_lock TEXT",
        "UPDATE runs SET owner_lock = minded_by WHERE minded_by IS NOT NULL",
        "DROP INDEX runs_minded",
        """CREATE INDEX runs_by_owner_lock ON runs (owner_lock, run_key)
            WHERE owner_lock IS NOT NULL AND status NOT IN ('Canceled', 'Completed', 'Failed')""",
        """CREATE TRIGGER run_owner_lock AFTER INSERT ON runs WHEN new.owner_lock IS NOT new.minded_by BEGIN
            UPDATE runs SET owner_lock = coalesce(new.owner_lock, new.minded_by),
            minded_by = coalesce(new.minded_by, new.owner_lock) WHERE run_key = new.run_key; END""",
    ]


class Migration(NamedTuple):
    """A step of the schema.

    Attributes:
        statements: returns its statements, in their order.
        is_compatible: whether programs that do not know it can go on with the store.
    """

    statements: Callable[[Dialect], list[str]]
    is_compatible: bool = False


MIGRATIONS = (
    Migration(_first_schema),
    Migration(_sdk_schema),
    Migration(_queue_schema),
    Migration(_gpu_schema),
    Migration(page_schema),
    Migration(pair_order_schema),
    Migration(_keep_schema),
    Migration(_owner_lock_schema, is_compatible=True),
)


def migrate(database: Database, where: str) -> None:
    """Bring the database to this program's schema; a no-op when it is there.

    Raises:
        StoreError: it was made by a newer version of the program, and this one cannot go on with it.
    """
    required, applied = _version(database)
    if required > len(MIGRATIONS):
        raise StoreError(
            f"The store {where} was written by a newer mlrun-cli (schema {required}, this one knows"
            f" {len(MIGRATIONS)}).",
            hint="Upgrade mlrun-cli, or choose another workspace with -w.",
        )
    if applied >= len(MIGRATIONS):
        return
    with database.transaction(durable=True):
        _, applied = _version(database)
        for number, migration in enumerate(MIGRATIONS[applied:], start=applied + 1):
            for statement in migration.statements(database.dialect):
                database.execute(statement)
            column = "applied" if migration.is_compatible else "version"
            database.execute(f"UPDATE schema_version SET {column} = :number", number=number)  # noqa: S608 — our own words
    database.empty_log()


def _version(database: Database) -> tuple[int, int]:
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
