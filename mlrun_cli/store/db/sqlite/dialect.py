"""SQL that is specific to SQLite: hints for its query planner, and its full-text search."""

from __future__ import annotations

from mlrun_cli.store.db.database import TextCondition

_LETTERS = 3
"""The index finds any three consecutive letters; for shorter words, all texts are read."""


class SqliteDialect:
    """The `Dialect` of SQLite."""

    ordered_join = "CROSS JOIN"
    text_key = "run_texts.rowid"
    next_run_key = "(SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'runs')"

    def build_unindexed_column(self, column: str) -> str:
        """Return an SQL expression for a column that prevents the use of an index."""
        return f"+{column}"

    def build_index_hint(self, index: str) -> str:
        """Return the `INDEXED BY` clause that makes a query use an index; the query fails if the index is unusable."""
        return f"INDEXED BY {index}"

    def build_integer_join(self, column: str) -> str:
        """Return the SQL aggregate that joins the integers in a column with commas; it is NULL without rows."""
        return f"group_concat({column})"

    def build_flag_condition(self, flags: str, column: str) -> str:
        """Return the SQL condition that `flags[column]` is 1, where `flags` names a parameter of one byte per index."""
        return f"substr(:{flags}, {column} + 1, 1) = x'01'"

    def build_text_condition(self, text: str) -> TextCondition:
        """Return the SQL condition that a row of `run_texts` contains every word of `text`, case-insensitively."""
        words = dict.fromkeys(word for word in text.replace("\0", " ").split())
        long = ['"' + word.replace('"', '""') + '"' for word in words if len(word) >= _LETTERS]
        conditions: list[str] = []
        parameters: dict[str, object] = {}
        if long:
            conditions.append("run_texts MATCH :words")
            parameters["words"] = " AND ".join(long)
        for number, word in enumerate(word for word in words if len(word) < _LETTERS):
            name = f"word_{number}"
            conditions.append(f"(own LIKE :{name} ESCAPE '!' OR tags LIKE :{name} ESCAPE '!')")
            parameters[name] = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        return " AND ".join(conditions) or "1 = 1", parameters, bool(long)
