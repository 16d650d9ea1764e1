"""SQL that is specific to SQLite: hints for its query planner, and its full-text search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlrun_cli.store.db.database import TextCondition

if TYPE_CHECKING:
    from mlrun_cli.store.db.database import Database

_LETTERS = 3
"""The terms of the index are any three consecutive letters."""
_LONGEST_PATTERN = 1000


class SqliteDialect:
    """The `Dialect` of SQLite."""

    ordered_join = "CROSS JOIN"
    text_key = "run_texts.rowid"
    metrics_of_run_hint = "INDEXED BY sqlite_autoindex_metrics_1"
    next_run_key = "(SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'runs')"

    def build_unindexed_column(self, column: str) -> str:
        """Return an SQL expression for a column that prevents the use of an index."""
        return f"+{column}"

    def build_index_hint(self, index: str) -> str:
        """Return the `INDEXED BY` clause that makes a query use an index; the query fails if the index is unusable."""
        return f"INDEXED BY {index}"

    def build_integer_concatenation(self, column: str) -> str:
        """Return the SQL aggregate that concatenates the integers of a column, separated by commas.

        It is NULL without rows.
        """
        return f"group_concat({column})"

    def build_flag_condition(self, flags: str, column: str) -> str:
        """Return the SQL condition that `flags[column]` is 1, where `flags` names a parameter of one byte per index."""
        return f"substr(:{flags}, {column} + 1, 1) = x'01'"

    def list_unindexed_words(self, text: str) -> Sequence[str]:
        """Return the words of `text` that are shorter than the trigrams in the index of `run_texts`."""
        return [word for word in _split_into_words(text) if len(word) < _LETTERS]

    def list_index_terms(self, database: Database, word: str, limit: int) -> Sequence[str] | None:
        """Return trigrams of which every text with this word of one or two letters contains at least one, or None.

        None if there are more than `limit`, or for other words.
        """
        from mlrun_cli.store.db.sqlite.trigrams import list_trigrams  # noqa: PLC0415 - start-up

        return list_trigrams(database, word, limit)

    def list_existing_terms(self, database: Database, terms: Sequence[str]) -> Sequence[str]:
        """Return the given terms from `list_index_terms` that the index contains, or one if it contains none."""
        from mlrun_cli.store.db.sqlite.trigrams import list_existing_trigrams  # noqa: PLC0415 - start-up

        return list_existing_trigrams(database, terms)

    def build_text_condition(self, text: str, terms: Mapping[str, Sequence[str]]) -> TextCondition:
        """Return the SQL condition that a row of `run_texts` contains every word of `text`, case-insensitively."""
        phrases: list[str] = []
        checks: list[str] = []
        checked_phrases: list[str] = []
        parameters: dict[str, object] = {}
        for number, word in enumerate(_split_into_words(text)):
            if len(word) >= _LETTERS:
                phrases.append(_quote(word))
            elif word in terms:
                phrases.append(f"({' OR '.join(map(_quote, terms[word]))})")
            if len(word) >= _LETTERS and not (word.isascii() and len(word) <= _LONGEST_PATTERN):
                # `LIKE` ignores the case of no other letters.
                checked_phrases.append(_quote(word))
                continue
            name = f"word_{number}"
            checks.append(f"(own LIKE :{name} ESCAPE '!' OR tags LIKE :{name} ESCAPE '!')")
            parameters[name] = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        if checked_phrases:
            checks.insert(0, "run_texts MATCH :checked_words")
            parameters["checked_words"] = " AND ".join(checked_phrases)
        checked = " AND ".join(checks) or "1 = 1"
        if not phrases:
            return TextCondition(checked, checked, parameters, is_indexed=False, is_exact=True, is_check_slow=False)
        parameters["words"] = " AND ".join(phrases)
        return TextCondition(
            "run_texts MATCH :words",
            checked,
            parameters,
            is_indexed=True,
            is_exact=not self.list_unindexed_words(text),
            is_check_slow=bool(checked_phrases),
            terms=terms,
        )

    @contextmanager
    def defer_text_update(self, database: Database, run_key: int) -> Iterator[None]:
        """Delete a run's `run_texts` row for the block, so that no trigger updates it, and insert it afterwards."""
        from mlrun_cli.store.db.sqlite.page_schema import TAG_TEXT  # noqa: PLC0415 - start-up

        row = database.row("SELECT own FROM run_texts WHERE rowid = :key", key=run_key)
        database.execute("DELETE FROM run_texts WHERE rowid = :key", key=run_key)
        yield
        if row is not None:
            database.execute(
                f"INSERT INTO run_texts (rowid, own, tags) VALUES (:key, :own, {TAG_TEXT.format(key=':key')})",  # noqa: S608
                key=run_key,
                own=row["own"],
            )


def _split_into_words(text: str) -> Sequence[str]:
    return list(dict.fromkeys(text.replace("\0", " ").split()))


def _quote(phrase: str) -> str:
    return '"' + phrase.replace('"', '""') + '"'
