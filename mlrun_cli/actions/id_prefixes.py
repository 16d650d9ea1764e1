"""Resolution of ids that are shortened to a unique prefix."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.errors import AmbiguousId


def resolve_id_prefix(id_or_prefix: str, matching_ids: Sequence[str], plural_noun: str) -> str | None:
    """Return the id that is equal to `id_or_prefix` or the only one that starts with it, or None if there is none.

    Args:
        id_or_prefix: the typed text.
        matching_ids: the ids that start with it, in alphabetical order.
        plural_noun: what the ids are those of, for a message: `published pipelines`.

    Raises:
        AmbiguousId: several ids start with it.
    """
    if not id_or_prefix or not matching_ids:
        return None
    if matching_ids[0] != id_or_prefix and len(matching_ids) > 1:
        raise AmbiguousId(
            f"Several {plural_noun} begin with '{id_or_prefix}': {', '.join(matching_ids)}.",
            hint="Type more of the id.",
            target=id_or_prefix,
        )
    return matching_ids[0]
