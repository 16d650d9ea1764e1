"""The schema for parameters of runs: their table, its index, and a table of runs not yet read.

Parameters are read from the definitions of runs. For runs that are older than this table, that takes too long for a
migration: `parameter_backfill` contains the key below which no run has been read, or nothing when all have been.
`unread_runs` contains newer runs that are to be read; a new run is one until the program that inserts it has read it,
since older programs insert runs without reading them.
"""

from __future__ import annotations

from mlrun_cli.store.db.sqlite.page_schema import OWN_TEXT, TAG_TEXT

_PARAMETER_TEXT = """coalesce((SELECT char(10) || group_concat(name || '=' || substr(text, 1, 1000), char(10))
    FROM run_parameters WHERE run_key = {row}.run_key), '')"""
_TEXT = f"{OWN_TEXT} || {_PARAMETER_TEXT}"

FILL_TEXTS = (
    "INSERT INTO run_texts (rowid, own, tags)"  # noqa: S608 — our own words
    f" SELECT run_key, {_TEXT.format(row='runs')}, {TAG_TEXT.format(key='runs.run_key')} FROM runs"
)
"""Inserts the texts of all runs."""

BUILD_PARAMETERS = (
    """CREATE TABLE run_parameters (
        run_key INTEGER NOT NULL,
        name TEXT NOT NULL,
        sort_value NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (run_key, name)
    ) WITHOUT ROWID""",
    # `sort_value` is a number or the text. Numbers come first, in numeric order; every text is greater than any number.
    # It is an ordinary column because SQLite reads the row for each entry of an index with a generated one.
    "CREATE INDEX run_parameters_in_order ON run_parameters (name, sort_value, run_key)",
    "CREATE TABLE unread_runs (run_key INTEGER PRIMARY KEY)",
    "CREATE TABLE parameter_backfill (below_key INTEGER NOT NULL)",
    "INSERT INTO parameter_backfill SELECT max(run_key) + 1 FROM runs HAVING max(run_key) IS NOT NULL",
    """CREATE TRIGGER run_unread AFTER INSERT ON runs WHEN new.definition IS NOT NULL BEGIN
        INSERT OR IGNORE INTO unread_runs (run_key) VALUES (new.run_key); END""",
    """CREATE TRIGGER run_parameters_gone AFTER DELETE ON runs BEGIN
        DELETE FROM run_parameters WHERE run_key = old.run_key;
        DELETE FROM unread_runs WHERE run_key = old.run_key; END""",
    f"""CREATE TRIGGER run_text_of_read AFTER DELETE ON unread_runs
        WHEN EXISTS (SELECT 1 FROM run_parameters WHERE run_key = old.run_key) BEGIN
        UPDATE run_texts SET own = (SELECT {_TEXT.format(row="runs")} FROM runs WHERE run_key = old.run_key)
        WHERE rowid = old.run_key; END""",  # noqa: S608
    # Tags that are inserted before their run, as in bulk, are in its first text: changing a text costs three inserts.
    "DROP TRIGGER run_text_of_new",
    f"""CREATE TRIGGER run_text_of_new AFTER INSERT ON runs BEGIN
        INSERT INTO run_texts (rowid, own, tags)
        VALUES (new.run_key, {OWN_TEXT.format(row="new")}, {TAG_TEXT.format(key="new.run_key")}); END""",  # noqa: S608
    "DROP TRIGGER run_text_changed",
    f"""CREATE TRIGGER run_text_changed AFTER UPDATE OF display_name, description ON runs BEGIN
        UPDATE run_texts SET own = {_TEXT.format(row="new")} WHERE rowid = new.run_key; END""",  # noqa: S608
    "DROP TRIGGER run_text_renamed",
    f"""CREATE TRIGGER run_text_renamed AFTER UPDATE OF name ON experiments WHEN old.name <> new.name BEGIN
        UPDATE run_texts SET own = (SELECT {_TEXT.format(row="runs")} FROM runs WHERE run_key = run_texts.rowid)
        WHERE rowid IN (SELECT run_key FROM runs WHERE experiment_key = new.experiment_key); END""",  # noqa: S608
)
"""The statements of this schema, in order."""
