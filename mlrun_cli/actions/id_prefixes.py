"""The choice of the one id that is meant by its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.errors import AmbiguousId


def choose_id(text: str, found: Sequence[str], kinds: str) -> str | None:
    """Return the id that is equal to a text or the only one that starts with it, or None if there is none.

    Args:
        text: the typed text.
        found: the ids that start with it, in alphabetical order.
        kinds: what the ids are those of, for a message: `published pipelines`.

    Raises:
        AmbiguousId: several ids start with it.
    """
    if not text or not found:
        return None
    if found[0] != text and len(found) > 1:
        raise AmbiguousId(
            f"Several {kinds} begin with '{text}': {', '.join(found)}.", hint="Type more of the id.", target=text
        )
    return found[0]
