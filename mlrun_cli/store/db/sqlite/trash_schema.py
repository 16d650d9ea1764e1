"""The schema of the trash: deleted runs and experiments, which have no rows in other tables.

So lists, counts and searches cost what they cost without a trash, and programs of earlier versions do not see what is
in it. Only the values of metrics stay where they are: they are reached by the keys of metrics alone, which are never
given again.
"""

from __future__ import annotations

BUILD_TRASH = (
    """CREATE TABLE trashed_runs (
        run_key INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        experiment_name TEXT NOT NULL,
        parent_key INTEGER,
        deletion_id TEXT NOT NULL,
        deleted_at INTEGER NOT NULL,
        snapshot_id TEXT,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX trashed_runs_by_time ON trashed_runs (deleted_at, run_key)",
    "CREATE INDEX trashed_runs_by_parent ON trashed_runs (parent_key) WHERE parent_key IS NOT NULL",
    """CREATE TABLE trashed_experiments (
        experiment_key INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        deletion_id TEXT NOT NULL,
        deleted_at INTEGER NOT NULL,
        document TEXT NOT NULL
    )""",
)
"""The statements of this schema, in order."""
