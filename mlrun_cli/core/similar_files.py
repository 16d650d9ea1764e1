"""Files that may be meant by the name of a missing one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path, PurePath

_DOCUMENT_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_MAX_ENTRIES = 10_000
_MAX_CHARACTERS = 100


def describe_similar_file(path: Path) -> str | None:
    """Return a question for the file in the same folder that a missing one may stand for; None if there is none."""
    similar = find_similar_file(path)
    return None if similar is None else f"Did you mean '{similar}'?"


def find_similar_file(path: Path, suffixes: Collection[str] = ()) -> Path | None:
    """Return the file or folder with the most similar name in the same folder; None if no name is similar.

    Args:
        path: the missing file.
        suffixes: the suffixes it may have instead of its own.
    """
    kinds = {path.suffix, *suffixes, *(_DOCUMENT_SUFFIXES if path.suffix in _DOCUMENT_SUFFIXES else ())}
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), _MAX_ENTRIES) if entry.suffix in kinds]
    except (OSError, ValueError):  # ValueError: a path with a NUL
        return None
    similar = find_similar_name(path.name, names)
    return None if similar is None else path.with_name(similar)


def find_similar_name(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar of the names, apart from suffixes, which alone make no name similar; None if none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - not on the way of what succeeds

    by_stem = {PurePath(each).stem: each for each in sorted(names, reverse=True)}
    similar = get_close_matches(PurePath(name).stem[:_MAX_CHARACTERS], by_stem, n=1)
    return by_stem[similar[0]] if similar else None
