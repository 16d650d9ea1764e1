"""The last trigrams of the searchable texts of runs, found by the values that these texts end with.

The text of what a run says of itself ends with the name of its experiment or the text of a parameter, the text of its
tags with the value of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.distinct_values import list_distinct_values

LETTERS = 3
"""The terms of the index are any three consecutive letters."""
_TEXTS_PER_VALUE = 200
"""The number of texts that are read in the time that a few distinct values of an index take."""
_TABLES = (("run_parameters", "name", "=", 1000), ("run_tags", "key", " ", None))
"""The tables of named values.

Each is with the column of the names, what the texts have between name and value, and how many letters of a value they
have, None for all.
"""
_OF_NUMBERS = "0123456789."
"""What the values end with that the indexes have as numbers."""


def list_last_trigrams(database: Database, letter: str) -> Sequence[str] | None:
    """Return the last trigram of each text that ends with a letter, in small letters, or None if these are unknown.

    They are, if there are very many names and values, or if numbers end with the letter.
    """
    if letter in _OF_NUMBERS:
        return None
    (newest,) = database.column("SELECT max(run_key) FROM runs")
    limit = int((newest or 0) / _TEXTS_PER_VALUE)
    found: set[str] = set()
    for number, ending in enumerate(_iterate_endings(database, limit + 1), 1):
        if number > limit:
            return None
        trigram = ending[-LETTERS:].lower()
        if trigram.endswith(letter):
            if len(trigram) != LETTERS:
                return None
            found.add(trigram)
    return sorted(found)


def _iterate_endings(database: Database, limit: int) -> Iterator[str]:
    """Yield what the texts of runs end with, or `limit` of it, by names and values.

    It has at least the last three letters, except of an experiment whose name is one.
    """
    yield from (f"\n{name}" for name in list_distinct_values(database, "experiments", "name", limit))
    for table, name_column, separator, longest in _TABLES:
        for name in list_distinct_values(database, table, name_column, limit):
            yield f"\n{name}{separator}"
            conditions = [f"{name_column} = :name", "sort_value >= ''"]
            values = list_distinct_values(database, table, "sort_value", limit, conditions, {"name": name})
            yield from (f"\n{name}{separator}{value[:longest]}" for value in values)
