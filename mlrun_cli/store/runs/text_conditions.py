"""The SQL condition that the texts of a run contain some words.

The index of texts finds words of three letters or more. Words of two letters are found by the terms of the index that
contain them, unless so many runs contain the word that checking runs soon finds enough of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.store.db.database import Database, TextCondition, build_in_lists
from mlrun_cli.store.runs.samples import list_sample_keys

_SAMPLE = 500
"""The number of sampled runs."""
_RARE = 0.2
"""The part of the runs with a short word below which they are found by the terms of the index."""
_MAX_TERMS = 1000
_FEW_TEXTS = 20_000
"""The number of texts that are all read in less time than that takes."""


def determine_text_condition(database: Database, text: str) -> TextCondition:
    """Return the SQL condition that a row of `run_texts` contains each word of a text."""
    dialect = database.dialect
    words = dialect.list_unindexed_words(text)
    return dialect.build_text_condition(text, _list_index_terms(database, words) if words else {})


def leave_out_missing_terms(database: Database, text: str, condition: TextCondition) -> TextCondition:
    """Return a text condition restricted to terms in the index; each row found is compared with all terms anyway."""
    terms = {word: database.dialect.list_existing_terms(database, each) for word, each in condition.terms.items()}
    return database.dialect.build_text_condition(text, terms)


def _list_index_terms(database: Database, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the index terms for words that few enough runs contain, keyed by word."""
    (newest,) = database.column("SELECT max(run_key) FROM runs")
    if (newest or 0) <= _FEW_TEXTS:
        return {}
    keys = list_sample_keys(newest, _SAMPLE)
    found: dict[str, Sequence[str]] = {}
    for word in words:
        if _count_runs_with_word(database, word, keys) >= _RARE * len(keys):
            continue
        terms = database.dialect.list_index_terms(database, word, _MAX_TERMS)
        if terms is not None:
            found[word] = terms
    return found


def _count_runs_with_word(database: Database, word: str, keys: Sequence[int]) -> int:
    """Return the number of the given runs that contain a word."""
    dialect = database.dialect
    condition = dialect.build_text_condition(word, {})
    count = 0
    for places, parameters in build_in_lists("key", keys):
        query = f"SELECT count(*) FROM run_texts WHERE {dialect.text_key} IN {places} AND {condition.checked}"  # noqa: S608
        (part,) = database.column(query, **parameters, **condition.parameters)
        count += part
    return count
