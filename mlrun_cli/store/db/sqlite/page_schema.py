"""The schema for pages of runs: an index for each sort order, searchable texts, counts and saved views.

Triggers maintain the derived data (texts, counts), so that writes of older supervisors update it too.
"""

from __future__ import annotations

_ORDERS = {
    "created": "created_at",
    "started": "started_at",
    "duration": "coalesce(duration_seconds, (ended_at - started_at) / 1000000.0)",
    "display_name": "display_name",
    "number": "run_number",
    "target_of_all": "target",
    "submitter": "user_name",
    "type": "run_type",
    "description": "substr(description, 1, 64)",
}
_SPARSE = {"display_name": "display_name", "description": "description"}

OWN_TEXT = """{row}.run_id || char(10) || {row}.user_name || char(10) || coalesce({row}.display_name, '') || char(10)
    || coalesce(substr({row}.description, 1, 10000), '') || char(10)
    || (SELECT name FROM experiments WHERE experiment_key = {row}.experiment_key)"""
"""A text to search: what a run says of itself."""
TAG_TEXT = """coalesce((SELECT group_concat(key || ' ' || coalesce(value, ''), char(10))
    FROM run_tags WHERE run_key = {key}), '')"""

_LAST_ACTIVITY = "max({row}.created_at, coalesce({row}.started_at, 0), coalesce({row}.ended_at, 0))"
_COUNT_NEW = f"""INSERT INTO experiment_outcomes (experiment_key, status, run_count, last_activity_at)
    VALUES (new.experiment_key, new.status, 1, {_LAST_ACTIVITY.format(row="new")})
    ON CONFLICT (experiment_key, status) DO UPDATE SET run_count = run_count + 1,
    last_activity_at = max(last_activity_at, excluded.last_activity_at);"""  # noqa: S608 — our own words
_COUNT_OLD = """UPDATE experiment_outcomes SET run_count = run_count - 1
    WHERE experiment_key = old.experiment_key AND status = old.status;"""

_FORGET_NUMBERS_BEFORE_NAN = """UPDATE metrics SET last_value = NULL
    WHERE last_value IS NOT NULL AND (SELECT kind FROM metric_values
    WHERE metric_values.metric_key = metrics.metric_key AND position = metrics.value_count - 1) = 'n'"""

_FILL_TEXTS = (
    "INSERT INTO run_texts (rowid, own, tags)"  # noqa: S608
    f" SELECT run_key, {OWN_TEXT.format(row='runs')}, {TAG_TEXT.format(key='runs.run_key')} FROM runs"
)


def build_page_schema() -> list[str]:
    """Return the SQL statements that create the indexes, tables and triggers for listing runs, in order."""
    return [
        *_build_indexes(),
        *_build_text_index(),
        *_build_outcome_table(),
        *_build_saved_views_table(),
        _FORGET_NUMBERS_BEFORE_NAN,
    ]


def build_pair_order_schema() -> list[str]:
    """Return the SQL statements that create the indexes for sorting by tags and properties, numeric values first."""
    return [
        statement
        for table in ("run_tags", "run_properties")
        for statement in (
            # The column's affinity converts text to a number, which is stored only in the index.
            f"ALTER TABLE {table} ADD COLUMN sort_value NUMERIC GENERATED ALWAYS AS (value) VIRTUAL",
            f"CREATE INDEX {table}_in_order ON {table} (key, sort_value, run_key)",
        )
    ]


def _build_indexes() -> list[str]:
    """Return the statements that create covering indexes, with which a page skips runs without reading their rows."""
    return [
        f"CREATE INDEX runs_by_{name} ON runs ({column}, run_key, experiment_key, parent_key)"
        + (f" WHERE {_SPARSE[name]} IS NOT NULL" if name in _SPARSE else "")
        for name, column in _ORDERS.items()
    ]


def _build_text_index() -> list[str]:
    """Return the statements that create `run_texts`, a trigram index with one row for each run."""
    of_new, tags_of_new, tags_of_old = (
        OWN_TEXT.format(row="new"),
        TAG_TEXT.format(key="new.run_key"),
        TAG_TEXT.format(key="old.run_key"),
    )
    retag_new = f"UPDATE run_texts SET tags = {tags_of_new} WHERE rowid = new.run_key;"  # noqa: S608 — our own words
    retag_old = f"UPDATE run_texts SET tags = {tags_of_old} WHERE rowid = old.run_key;"  # noqa: S608
    return [
        "CREATE VIRTUAL TABLE run_texts USING fts5 (own, tags, tokenize = 'trigram', columnsize = 0)",
        _FILL_TEXTS,
        f"""CREATE TRIGGER run_text_of_new AFTER INSERT ON runs BEGIN
            INSERT INTO run_texts (rowid, own, tags) VALUES (new.run_key, {of_new}, ''); END""",  # noqa: S608
        f"""CREATE TRIGGER run_text_changed AFTER UPDATE OF display_name, description ON runs BEGIN
            UPDATE run_texts SET own = {of_new} WHERE rowid = new.run_key; END""",  # noqa: S608
        """CREATE TRIGGER run_text_gone AFTER DELETE ON runs BEGIN
            DELETE FROM run_texts WHERE rowid = old.run_key; END""",
        f"""CREATE TRIGGER run_text_renamed AFTER UPDATE OF name ON experiments WHEN old.name <> new.name BEGIN
            UPDATE run_texts SET own = (SELECT {OWN_TEXT.format(row="runs")} FROM runs WHERE run_key = run_texts.rowid)
            WHERE rowid IN (SELECT run_key FROM runs WHERE experiment_key = new.experiment_key); END""",  # noqa: S608
        f"CREATE TRIGGER run_text_tagged AFTER INSERT ON run_tags BEGIN {retag_new} END",
        f"CREATE TRIGGER run_text_retagged AFTER UPDATE ON run_tags BEGIN {retag_new} END",
        f"CREATE TRIGGER run_text_untagged AFTER DELETE ON run_tags BEGIN {retag_old} END",
    ]


def _build_outcome_table() -> list[str]:
    """Return the statements that create `experiment_outcomes`, the numbers of top-level runs by outcome."""
    return [
        """CREATE TABLE experiment_outcomes (
            experiment_key INTEGER NOT NULL,
            status TEXT NOT NULL,
            run_count INTEGER NOT NULL,
            last_activity_at INTEGER NOT NULL,
            PRIMARY KEY (experiment_key, status)
        ) WITHOUT ROWID""",
        "INSERT INTO experiment_outcomes (experiment_key, status, run_count, last_activity_at)"  # noqa: S608
        f" SELECT experiment_key, status, count(*), max({_LAST_ACTIVITY.format(row='runs')})"
        " FROM runs WHERE parent_key IS NULL GROUP BY experiment_key, status",
        f"CREATE TRIGGER run_counted AFTER INSERT ON runs WHEN new.parent_key IS NULL BEGIN {_COUNT_NEW} END",
        "CREATE TRIGGER run_counted_again AFTER UPDATE OF status ON runs"
        f" WHEN new.parent_key IS NULL AND old.status <> new.status BEGIN {_COUNT_OLD} {_COUNT_NEW} END",
        f"CREATE TRIGGER run_counted_out AFTER DELETE ON runs WHEN old.parent_key IS NULL BEGIN {_COUNT_OLD} END",
    ]


def _build_saved_views_table() -> list[str]:
    """Return the SQL statements that create the table of the studio's saved views."""
    return [
        """CREATE TABLE saved_views (
            name TEXT PRIMARY KEY,
            page TEXT NOT NULL,
            query TEXT NOT NULL,
            author TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            version INTEGER NOT NULL
        )"""
    ]
