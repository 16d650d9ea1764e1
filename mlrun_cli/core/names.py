"""Names that people give: of workspaces, experiments, runs and tags.

All but tag keys become the name of a folder: none may lead out of its parent, or be too long for one.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from mlrun_cli.errors import InvalidName, UsageError

DEFAULT_WORKSPACE = "default"
DEFAULT_RESOURCE_GROUP = "default"
DEFAULT_SUBSCRIPTION_ID = "00000000-0000-0000-0000-000000000000"

MAX_NAME_BYTES = 255
# A run id is the experiment's name and 20 characters more, and names a folder too.
MAX_EXPERIMENT_NAME_BYTES = 200


def check_experiment_name(name: str) -> str:
    """Check the name and return it.

    Raises:
        UsageError: it is empty, longer than 200 bytes in UTF-8, begins with a dot, begins or ends with a
            space, or holds a slash, a backslash, a line end or another control character.
    """
    return _check("experiment name", name, MAX_EXPERIMENT_NAME_BYTES)


def check_workspace_name(name: str) -> str:
    """Check the name and return it; raises as `check_experiment_name` does, with a limit of 255 bytes."""
    return _check("workspace name", name, MAX_NAME_BYTES)


def check_resource_group(name: str) -> str:
    """Check the name and return it; raises as `check_workspace_name` does."""
    return _check("resource group", name, MAX_NAME_BYTES)


def check_subscription_id(subscription_id: str) -> str:
    """Check the id, which need not be a GUID, and return it; raises as `check_workspace_name` does."""
    return _check("subscription id", subscription_id, MAX_NAME_BYTES)


def check_run_id(run_id: str) -> str:
    """Check a run id, or the beginning of one, and return it; raises as `check_workspace_name` does."""
    return _check("run id", run_id, MAX_NAME_BYTES)


def check_tag_key(key: str) -> str:
    """Check the key of a tag and return it; slashes and dots are allowed.

    Raises:
        UsageError: it is empty, longer than 255 bytes in UTF-8, or holds a control character.
    """
    _check_text("tag key", key, MAX_NAME_BYTES)
    return key


def check_text(what: str, text: str) -> str:
    """Check that a text can be encoded and return it.

    Args:
        what: what it is, as in `the display name`.
        text: as it was typed.

    Raises:
        UsageError: it holds bytes that are no UTF-8, which no database takes.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidName(f"{what[0].upper()}{what[1:]} is not UTF-8: {quote_shortened(text)}.", hint="Use UTF-8.")
    return text


def make_experiment_name(folder: Path) -> str:
    """Return the name of a folder, with '-' for what is neither letter nor digit.

    A shell might split a run's id at it.
    """
    kept = re.sub(r"[^\w-]+", "-", folder.name).strip("-_")
    return kept.encode()[:MAX_EXPERIMENT_NAME_BYTES].decode(errors="ignore") or "experiment"


def _check(what: str, name: str, limit: int) -> str:
    _check_text(what, name, limit)
    for character in "/\\":
        if character in name:
            raise _build_invalid_name_error(what, name, f"it holds '{character}'")
    if name.startswith("."):
        raise _build_invalid_name_error(what, name, "it begins with a dot")
    if name != name.strip():
        raise _build_invalid_name_error(what, name, "it begins or ends with a space")
    return name


def _check_text(what: str, text: str, limit: int) -> None:
    if not text.strip():
        raise _build_invalid_name_error(what, text, "it is empty")
    for character in text:
        if _is_control(character):
            raise _build_invalid_name_error(what, text, f"it holds the character U+{ord(character):04X}")
    size = len(text.encode())
    if size > limit:
        raise _build_invalid_name_error(what, text, f"it has {size} bytes, {limit} are allowed")


def _is_control(character: str) -> bool:
    """Return whether this is a control character, a separator of lines or paragraphs, or a lone surrogate."""
    return unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}


def _build_invalid_name_error(what: str, text: str, why: str) -> UsageError:
    return InvalidName(
        f"{quote_shortened(text)} is not a valid {what}: {why}.",
        hint="Use letters, digits, spaces, '-', '_' and '.'.",
        target=text,
    )


def quote_shortened(text: str) -> str:
    """Return a text in quotes for a message, cut after 60 characters; control characters are escaped."""
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return f"'{shown}'" if shown.isprintable() else ascii(shown)
