"""The SQL condition that the texts of a run contain some words.

The index of texts finds words of three letters or more. Words of two letters are found by the terms of the index that
contain them, unless so many runs contain the word that checking runs soon finds enough of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.store.db.database import Database, TextCondition, build_in_lists
from mlrun_cli.store.runs.samples import list_sample_keys

_SAMPLE = 500
"""The number of sampled runs."""
_RARE = 0.2
"""The part of the runs with a short word below which they are found by the terms of the index."""
_MAX_TERMS = 1000
_CERTAIN, _COMMON = 10, 10_000
"""The number of sampled runs with a text, and of all runs by these, from which on it certainly is not rare."""
_FEW_TEXTS = 20_000
"""The number of texts that are all read in less time than that takes."""


def determine_text_condition(database: Database, text: str) -> TextCondition:
    """Return the SQL condition that a row of `run_texts` contains each word of a text."""
    dialect = database.dialect
    words = dialect.list_unindexed_words(text)
    (newest,) = database.column("SELECT max(run_key) FROM runs") if words else (0,)
    if (newest or 0) <= _FEW_TEXTS:
        return dialect.build_text_condition(text, {})
    keys = list_sample_keys(newest, _SAMPLE)
    sample = _read_texts(database, keys)
    terms: dict[str, Sequence[str]] = {}
    for word in words:
        if _count_texts_with_words(sample, [word]) < _RARE * len(keys):
            found = dialect.list_index_terms(database, word, _MAX_TERMS)
            terms.update({} if found is None else {word: found})
    count = _count_texts_with_words(sample, text.split())
    is_common = count >= _CERTAIN and count * newest >= _COMMON * len(keys)
    return dialect.build_text_condition(text, terms)._replace(is_common=is_common)


def leave_out_missing_terms(database: Database, text: str, condition: TextCondition) -> TextCondition:
    """Return a text condition restricted to terms in the index; each row found is compared with all terms anyway."""
    terms = {word: database.dialect.list_existing_terms(database, each) for word, each in condition.terms.items()}
    return database.dialect.build_text_condition(text, terms)


def _read_texts(database: Database, keys: Sequence[int]) -> Sequence[tuple[str, str]]:
    """Return the texts of runs with the given keys, in small letters."""
    return [
        (row["own"].lower(), row["tags"].lower())
        for places, parameters in build_in_lists("key", keys)
        for row in database.rows(
            f"SELECT own, tags FROM run_texts WHERE {database.dialect.text_key} IN {places}",  # noqa: S608
            **parameters,
        )
    ]


def _count_texts_with_words(texts: Sequence[tuple[str, str]], words: Sequence[str]) -> int:
    """Return how many of some texts contain each of some words."""
    sought = [word.lower() for word in words]
    return sum(all(word in own or word in tags for word in sought) for own, tags in texts)
