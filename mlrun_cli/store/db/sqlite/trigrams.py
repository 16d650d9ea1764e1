"""Trigrams that contain a two-letter word, used to find texts with this word in the full-text index.

The index has no entry for shorter words than three letters. But a text of three letters or more in which two stand
together contains a trigram that begins with them, or ends with one that ends with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun_cli.store.db.database import Database

_TERMS = "temp.run_terms"
"""Each occurrence of a trigram, in the order of trigrams; a search for the first one beyond a text is a seek."""
_ASCII = "".join(each for each in map(chr, range(1, 0x80)) if each == each.lower())
"""The letters for which trigrams are listed without a look whether there are any; the index has only small ones."""
_BEYOND_ASCII = "\x80"
_LATIN = frozenset(map(chr, range(0xE0, 0xFF))) - {"\xf7"}
"""Small letters beyond ASCII whose capitals the index regards as the same."""
_LAST_CHARACTER = "\U0010ffff"
_SURROGATES = range(0xD800, 0xE000)
"""The code points that are no characters."""


def list_trigrams(database: Database, word: str, limit: int) -> Sequence[str] | None:
    """Return the trigrams of which every longer text with this two-letter word contains one.

    Texts in the index may contain none of some. Return None if there are more than `limit`, or if the index may regard
    other letters as the same than Python does.
    """
    word = word.lower()
    if len(word) != 2 or not all(each in _ASCII or each in _LATIN or each == each.upper() for each in word):
        return None
    # A temporary table can be created on a read-only connection, which `execute` would replace.
    database.rows(f"CREATE VIRTUAL TABLE IF NOT EXISTS {_TERMS} USING fts5vocab(main, run_texts, instance)")
    found = [trigram for each in _ASCII for trigram in (word + each, each + word)]
    for trigram in _iterate_rarer_trigrams(database, word):
        if len(found) >= limit:
            return None
        found.append(trigram)
    return found


def _iterate_rarer_trigrams(database: Database, word: str) -> Iterator[str]:
    """Yield the trigrams that consist of a word and one non-ASCII letter."""
    yield from _iterate_terms(database, word, word + _BEYOND_ASCII, 3)
    for first in _iterate_terms(database, "", _BEYOND_ASCII, 1):
        yield first + word


def _iterate_terms(database: Database, prefix: str, start: str | None, length: int) -> Iterator[str]:
    """Yield the distinct first `length` letters of the trigrams with a prefix, in order, from `start` on."""
    while start is not None:
        row = database.row(f"SELECT term FROM {_TERMS} WHERE term >= :start LIMIT 1", start=start)  # noqa: S608
        if row is None or not row["term"].startswith(prefix):
            return
        found = row["term"][:length]
        yield found
        start = _find_next(found)


def _find_next(text: str) -> str | None:
    """Return the smallest string greater than all strings that start with `text`, or None if there is none."""
    kept = text.rstrip(_LAST_CHARACTER)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return f"{kept[:-1]}{chr(_SURROGATES.stop if following in _SURROGATES else following)}"
