"""Trigrams that contain a word of one or two letters, used to find texts with this word in the full-text index.

The index has no entry for shorter words than three letters. But a text of three letters or more in which two stand
together contains a trigram that begins with them, or ends with one that ends with them. A single letter is in three
trigrams, or in fewer near an end: unless it is the last letter of a text, it is one of the first two of a trigram.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.sqlite.text_endings import LETTERS, list_last_trigrams

_TERMS = "temp.run_terms"
"""Each occurrence of a trigram, in the order of trigrams; a search for the first one beyond a text is a seek."""
_FIRST_TERM = f"SELECT term FROM {_TERMS} WHERE term >= :start LIMIT 1"  # noqa: S608 — our own words
_THIS_TERM = f"SELECT 1 FROM {_TERMS} WHERE term = :term LIMIT 1"  # noqa: S608
_TEXTS_PER_LOOK = 1200
"""The number of texts that are read in twice the time that a look for the next trigram takes."""
_NEWEST = 100
"""The number of texts in which letters are paired, to estimate how many looks are needed."""
_ASCII = "".join(each for each in map(chr, range(1, 0x80)) if each == each.lower())
"""The letters for which trigrams are listed without a look whether there are any; the index has only small ones."""
_BEYOND_ASCII = "\x80"
_LATIN = frozenset(map(chr, range(0xE0, 0xFF))) - {"\xf7"}
"""Small letters beyond ASCII whose capitals the index regards as the same."""
_LAST_CHARACTER = "\U0010ffff"
_SURROGATES = range(0xD800, 0xE000)
"""The code points that are no characters."""


def list_trigrams(database: Database, word: str, limit: int) -> Sequence[str] | None:
    """Return trigrams, one of which is in every indexed text that contains this word of one or two letters.

    Texts may contain none of some. Return None if there are more than `limit`, if the index may regard other letters
    as the same than Python does, or if a text with the word may be too short for the index.
    """
    word = word.lower()
    if len(word) > 2 or not _is_regarded_alike(word):
        return None
    # A temporary table can be created on a read-only connection, which `execute` would replace.
    database.rows(f"CREATE VIRTUAL TABLE IF NOT EXISTS {_TERMS} USING fts5vocab(main, run_texts, instance)")
    if len(word) == 1:
        return None if _is_bare_tag(database, word) else _list_trigrams_with_letter(database, word, limit)
    found = [trigram for each in _ASCII for trigram in (word + each, each + word)]
    for trigram in _iterate_non_ascii_trigrams(database, word):
        if len(found) >= limit:
            return None
        found.append(trigram)
    return found


def _is_regarded_alike(text: str) -> bool:
    """Return whether the index regards the same letters as these small ones as Python does."""
    return all(each in _ASCII or each in _LATIN or each == each.upper() for each in text)


def list_existing_trigrams(database: Database, trigrams: Sequence[str]) -> Sequence[str]:
    """Return the given trigrams from `list_trigrams` that the index contains, or one if it contains none."""
    # A list of no terms cannot be searched.
    return [each for each in trigrams if database.row(_THIS_TERM, term=each) is not None] or trigrams[:1]


def _is_bare_tag(database: Database, letter: str) -> bool:
    """Return whether some run has a tag with this letter as its key and no value; its text then has no trigram."""
    query = "SELECT 1 AS found FROM run_tags WHERE key IN (:small, :capital) AND coalesce(value, '') = '' LIMIT 1"
    return database.row(query, small=letter, capital=letter.upper()) is not None


def _count_affordable_lookups(database: Database, length: int) -> int:
    """Return how many index lookups are faster than reading all texts; 0 if, judging by new texts, more are needed.

    One is needed for each `length` letters that trigrams begin with.
    """
    newest = "(SELECT max(run_key) FROM runs)"
    rows = database.rows(
        f"SELECT {newest} AS newest, lower(own) AS own FROM run_texts WHERE rowid > {newest} - {_NEWEST}"  # noqa: S608
    )
    affordable = int(max((row["newest"] for row in rows), default=0) / _TEXTS_PER_LOOK)
    beginnings = {row["own"][start : start + length] for row in rows for start in range(len(row["own"]))}
    return affordable if len(beginnings) < affordable else 0


def _list_trigrams_with_letter(database: Database, letter: str, limit: int) -> Sequence[str] | None:
    """Return trigrams, one of which is in each text with a letter, or None if they are too many or too slow to find.

    None if there are more than `limit`, or if reading all texts takes less time than finding them: of any letter that
    begins a trigram, a look must tell whether this one follows. Of any two letters, too, if it may end a text.
    """
    last = list_last_trigrams(database, letter)
    is_known = last is not None and len(last) < limit and all(map(_is_regarded_alike, last))
    found = [*last] if last is not None and is_known else []
    length = 2 if is_known else LETTERS
    start: str | None = ""
    for _ in range(_count_affordable_lookups(database, length - 1)):
        row = None if start is None else database.row(_FIRST_TERM, start=start)
        if row is None:
            return found or [letter * LETTERS]  # a list of no terms cannot be searched
        trigram = row["term"]
        beginning = trigram[: length - 1]
        if letter in trigram[:length]:
            if len(found) >= limit:
                return None
            found.append(trigram)
            start = _find_prefix_successor(trigram)
        else:
            sought = beginning + letter
            start = sought if trigram < sought else _find_prefix_successor(beginning)
    return None


def _iterate_non_ascii_trigrams(database: Database, word: str) -> Iterator[str]:
    """Yield the trigrams that consist of a two-letter word and one non-ASCII letter before or after it."""
    yield from _iterate_terms(database, word, word + _BEYOND_ASCII, 3)
    for first in _iterate_terms(database, "", _BEYOND_ASCII, 1):
        yield first + word


def _iterate_terms(database: Database, prefix: str, start: str | None, length: int) -> Iterator[str]:
    """Yield the distinct first `length` letters of the trigrams with a prefix, in order, from `start` on."""
    while start is not None:
        row = database.row(_FIRST_TERM, start=start)
        if row is None or not row["term"].startswith(prefix):
            return
        found = row["term"][:length]
        yield found
        start = _find_prefix_successor(found)


def _find_prefix_successor(text: str) -> str | None:
    """Return the smallest string greater than all strings that start with `text`, or None if there is none."""
    kept = text.rstrip(_LAST_CHARACTER)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return f"{kept[:-1]}{chr(_SURROGATES.stop if following in _SURROGATES else following)}"
