"""The first steps of the schema, which no longer change; later steps are in `migrations`."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.store.db.sqlite.page_schema import build_page_schema, build_pair_order_schema

_FIRST = (
    """CREATE TABLE experiments (
        experiment_key INTEGER PRIMARY KEY AUTOINCREMENT,
        experiment_id TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        description TEXT,
        archived_at INTEGER,
        last_run_number INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE runs (
        run_key INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL UNIQUE,
        run_uuid TEXT NOT NULL,
        experiment_key INTEGER NOT NULL,
        run_number INTEGER NOT NULL,
        parent_key INTEGER,
        root_key INTEGER,
        run_type TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        user_name TEXT NOT NULL,
        display_name TEXT,
        description TEXT,
        script_name TEXT,
        target TEXT,
        hidden INTEGER NOT NULL DEFAULT 0,
        started_at INTEGER,
        ended_at INTEGER,
        duration_seconds REAL,
        exit_code INTEGER,
        signal TEXT,
        error TEXT,
        warnings TEXT,
        definition TEXT,
        wanted_status TEXT,
        wanted_error TEXT,
        host_id TEXT,
        boot_id TEXT,
        pid_namespace TEXT,
        lease_until INTEGER,
        cancel_grace_seconds REAL
    )""",
    "CREATE INDEX runs_by_experiment ON runs (experiment_key, run_key)",
    "CREATE INDEX runs_at_top ON runs (experiment_key, run_key) WHERE parent_key IS NULL",
    "CREATE INDEX runs_by_parent ON runs (parent_key, run_key) WHERE parent_key IS NOT NULL",
    "CREATE INDEX runs_at_top_of_all ON runs (run_key) WHERE parent_key IS NULL",
    "CREATE INDEX runs_by_status_of_all ON runs (status, run_key)",
    "CREATE INDEX runs_by_status ON runs (experiment_key, status, run_key)",
    "CREATE INDEX runs_by_target ON runs (experiment_key, target, run_key)",
    "CREATE INDEX runs_alive ON runs (run_key) WHERE status NOT IN ('Canceled', 'Completed', 'Failed')",
    """CREATE TABLE run_tags (
        run_key INTEGER NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (run_key, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX run_tags_by_key ON run_tags (key, value, run_key)",
    """CREATE TABLE run_properties (
        run_key INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_key, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX run_properties_by_key ON run_properties (key, value, run_key)",
    """CREATE TABLE status_changes (
        change_key INTEGER PRIMARY KEY AUTOINCREMENT,
        run_key INTEGER NOT NULL,
        status TEXT NOT NULL,
        changed_at INTEGER NOT NULL
    )""",
    "CREATE INDEX status_changes_by_run ON status_changes (run_key)",
    """CREATE TABLE metrics (
        metric_key INTEGER PRIMARY KEY AUTOINCREMENT,
        run_key INTEGER NOT NULL,
        name TEXT NOT NULL,
        shape TEXT NOT NULL,
        description TEXT,
        value_count INTEGER NOT NULL DEFAULT 0,
        last_value REAL,
        min_value REAL,
        max_value REAL,
        UNIQUE (run_key, name)
    )""",
    "CREATE INDEX metrics_by_last ON metrics (name, last_value)",
    "CREATE INDEX metrics_by_min ON metrics (name, min_value)",
    "CREATE INDEX metrics_by_max ON metrics (name, max_value)",
    """CREATE TABLE metric_values (
        metric_key INTEGER NOT NULL,
        position INTEGER NOT NULL,
        logged_at INTEGER NOT NULL,
        step REAL,
        kind TEXT NOT NULL,
        number REAL,
        text TEXT,
        PRIMARY KEY (metric_key, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE journals (
        run_key INTEGER NOT NULL,
        name TEXT NOT NULL,
        bytes_read INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run_key, name)
    )""",
)
"""Experiments, runs and their metrics."""

_SDK = (
    # The folder, relative to the workspace's, whose lock says whether the run is alive; null means its own.
    "ALTER TABLE runs ADD COLUMN minded_by TEXT",
    # The error that somebody outside gave with `fail()`, which is to stop the script.
    "ALTER TABLE runs ADD COLUMN failed_with TEXT",
    """CREATE INDEX runs_minded ON runs (minded_by, run_key)
        WHERE minded_by IS NOT NULL AND status NOT IN ('Canceled', 'Completed', 'Failed')""",
    """CREATE TABLE session_journals (
        name TEXT PRIMARY KEY, bytes_read INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE experiment_tags (
        experiment_key INTEGER NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (experiment_key, key)
    ) WITHOUT ROWID""",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE compute_targets (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        definition TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL
    )""",
    """CREATE TABLE datastores (
        name TEXT PRIMARY KEY, folder TEXT NOT NULL, created_at INTEGER NOT NULL
    )""",
    """CREATE TABLE datasets (
        dataset_key INTEGER PRIMARY KEY AUTOINCREMENT,
        dataset_id TEXT NOT NULL UNIQUE,
        name TEXT,
        version INTEGER,
        kind TEXT NOT NULL,
        definition TEXT NOT NULL,
        description TEXT,
        tags TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (name, version)
    )""",
    """CREATE TABLE environments (
        environment_key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        definition TEXT NOT NULL,
        digest TEXT NOT NULL,
        labels TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (name, version)
    )""",
    """CREATE TABLE models (
        model_key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        run_id TEXT,
        experiment_name TEXT,
        user_name TEXT NOT NULL,
        framework TEXT,
        framework_version TEXT,
        description TEXT,
        tags TEXT NOT NULL,
        properties TEXT NOT NULL,
        details TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        UNIQUE (name, version)
    )""",
    "CREATE INDEX models_by_run ON models (run_id) WHERE run_id IS NOT NULL",
    # Versions that were given once are not given again, deleted or not.
    "CREATE TABLE model_names (name TEXT PRIMARY KEY, last_version INTEGER NOT NULL)",
)
"""The data of `azureml.core` besides runs: open runs, models, data, environments and compute targets."""

_QUEUE = (
    "ALTER TABLE runs ADD COLUMN node_count INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE runs ADD COLUMN gpu_count INTEGER NOT NULL DEFAULT 0",
    # The GPUs that it was given, as in CUDA_VISIBLE_DEVICES.
    "ALTER TABLE runs ADD COLUMN gpus TEXT",
    "CREATE INDEX runs_queued ON runs (target, run_key) WHERE status = 'Queued'",
)
"""The resources that a run needs, and the index of queued runs."""

_GPU = ("ALTER TABLE runs ADD COLUMN visible_gpus TEXT",)
"""The GPUs that a run may use: its submitter's CUDA_VISIBLE_DEVICES; null means all of the machine."""

FIRST_STEPS: Sequence[Sequence[str]] = (_FIRST, _SDK, _QUEUE, _GPU, build_page_schema(), build_pair_order_schema())
"""The statements of each step; programs that do not know all of them cannot use the store."""
