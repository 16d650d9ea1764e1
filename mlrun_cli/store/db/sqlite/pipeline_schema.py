"""The schema of published pipelines, their endpoints and their schedules."""

from __future__ import annotations

BUILD_PIPELINES = (
    """CREATE TABLE published_pipelines (
        pipeline_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        description TEXT,
        version TEXT,
        status TEXT NOT NULL,
        continue_on_step_failure INTEGER NOT NULL,
        step_count INTEGER NOT NULL,
        author TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )""",
    """CREATE TABLE pipeline_endpoints (
        endpoint_id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        description TEXT,
        status TEXT NOT NULL,
        default_version INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    )""",
    """CREATE TABLE pipeline_endpoint_versions (
        endpoint_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        pipeline_id TEXT NOT NULL,
        PRIMARY KEY (endpoint_id, version)
    )""",
    """CREATE TABLE schedules (
        schedule_id TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        pipeline_id TEXT,
        endpoint_id TEXT,
        created_at INTEGER NOT NULL,
        anchor_at INTEGER NOT NULL,
        next_at INTEGER,
        settings TEXT NOT NULL,
        seen_files TEXT
    )""",
    "CREATE INDEX schedules_by_time ON schedules (next_at) WHERE next_at IS NOT NULL",
    """CREATE TABLE scheduled_runs (
        run_id TEXT PRIMARY KEY,
        schedule_id TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        parameters TEXT NOT NULL,
        is_pending INTEGER NOT NULL,
        error TEXT
    )""",
    "CREATE INDEX scheduled_runs_by_schedule ON scheduled_runs (schedule_id, due_at)",
    "CREATE INDEX scheduled_runs_pending ON scheduled_runs (due_at) WHERE is_pending = 1",
)
"""The statements of this schema, in order."""
