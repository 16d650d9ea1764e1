"""The texts of runs in the database, which the search box looks in; triggers keep them."""

from __future__ import annotations

_LETTERS = 3
"""The index knows what any three letters that follow each other occur in; shorter words are looked for by reading."""


def text_condition(text: str) -> tuple[str, dict[str, object], bool]:
    """The condition on a row of `run_texts` that each of the words occurs in it, and its parameters.

    The last that is returned is whether the index knows any of the words.
    """
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
