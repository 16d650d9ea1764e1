"""Validation of the names of workspaces, experiments, runs and tags.

All but tag keys become folder names, so none may lead out of its parent folder or be too long for a file name.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlrun_cli.errors import InvalidName, UsageError

DEFAULT_WORKSPACE = "default"
DEFAULT_RESOURCE_GROUP = "default"
DEFAULT_SUBSCRIPTION_ID = "00000000-0000-0000-0000-000000000000"

MAX_NAME_BYTES = 255
# A run id is the experiment's name plus 20 characters, and is also the name of a folder.
MAX_EXPERIMENT_NAME_BYTES = 200


def check_experiment_name(name: str) -> str:
    """Validate an experiment name and return it.

    Raises:
        UsageError: it is empty, longer than 200 bytes in UTF-8, begins with a dot, begins or ends with a
            space, or contains a slash, a backslash, a line end or another control character.
    """
    return _check_name("experiment name", name, MAX_EXPERIMENT_NAME_BYTES)


def check_workspace_name(name: str) -> str:
    """Validate a workspace name of up to 255 bytes and return it, like `check_experiment_name`."""
    return _check_name("workspace name", name, MAX_NAME_BYTES)


def check_resource_group(name: str) -> str:
    """Validate a resource group name and return it, like `check_workspace_name`."""
    return _check_name("resource group", name, MAX_NAME_BYTES)


def check_subscription_id(subscription_id: str) -> str:
    """Validate and return a subscription id, which need not be a GUID; see `check_workspace_name`."""
    return _check_name("subscription id", subscription_id, MAX_NAME_BYTES)


def check_run_id(run_id: str) -> str:
    """Validate a run id or a prefix of one and return it, like `check_workspace_name`."""
    return _check_name("run id", run_id, MAX_NAME_BYTES)


def check_tag_key(key: str) -> str:
    """Validate a tag key and return it; slashes and dots are allowed.

    Raises:
        UsageError: it is empty, longer than 255 bytes in UTF-8, or contains a control character.
    """
    _check_printable_text("tag key", key, MAX_NAME_BYTES)
    return key


def check_text(noun: str, text: str) -> str:
    """Verify that a string can be encoded as UTF-8 and return it.

    Args:
        noun: a noun for the error message, such as `the display name`.
        text: the text as typed.

    Raises:
        UsageError: it contains bytes that are not UTF-8, which no database accepts.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidName(f"{noun[0].upper()}{noun[1:]} is not UTF-8: {quote_shortened(text)}.", hint="Use UTF-8.")
    return text


def check_title(noun: str, title: str) -> str:
    """Verify that a name of which nothing is asked but to be shown is UTF-8 and not blank, and return it.

    Raises:
        UsageError: it is empty or has only spaces, or contains bytes that are not UTF-8.
    """
    if not title.strip():
        problem = "has only spaces" if title else "is empty"
        raise InvalidName(f"{noun[0].upper()}{noun[1:]} {problem}.", hint="Give it one.", target=title)
    return check_text(noun, title)


def check_display_name(name: str | None) -> str | None:
    """Verify that a run's display name is UTF-8 and not blank, and return it; an empty one is none.

    Raises:
        UsageError: it has only spaces, or contains bytes that are not UTF-8.
    """
    return check_title("the display name", name) if name else None


def derive_experiment_name(folder: Path) -> str:
    """Return an experiment name for a folder: its name with '-' in place of all but letters, digits and '_'.

    A shell could split a run id at other characters.
    """
    kept = re.sub(r"[^\w-]+", "-", folder.name).strip("-_")
    return kept.encode()[:MAX_EXPERIMENT_NAME_BYTES].decode(errors="ignore") or "experiment"


def _check_name(noun: str, name: str, limit: int) -> str:
    _check_printable_text(noun, name, limit)
    for character in "/\\":
        if character in name:
            raise _build_invalid_name_error(noun, name, f"it holds '{character}'")
    if name.startswith("."):
        raise _build_invalid_name_error(noun, name, "it begins with a dot")
    if name != name.strip():
        raise _build_invalid_name_error(noun, name, "it begins or ends with a space")
    return name


def _check_printable_text(noun: str, text: str, limit: int) -> None:
    if not text.strip():
        raise _build_invalid_name_error(noun, text, "it is empty")
    for character in text:
        if _is_control_character(character):
            raise _build_invalid_name_error(noun, text, f"it holds the character U+{ord(character):04X}")
    size = len(text.encode())
    if size > limit:
        raise _build_invalid_name_error(noun, text, f"it has {size} bytes, {limit} are allowed")


def _is_control_character(character: str) -> bool:
    """Return whether a character is a control character, a line or paragraph separator, or a lone surrogate."""
    if character.isprintable():
        return False
    import unicodedata  # noqa: PLC0415 - start-up

    return unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}


def _build_invalid_name_error(noun: str, text: str, reason: str) -> UsageError:
    return InvalidName(
        f"{quote_shortened(text)} is not a valid {noun}: {reason}.",
        hint="Use letters, digits, spaces, '-', '_' and '.'.",
        target=text,
    )


def quote_shortened(text: str) -> str:
    """Return text in quotes for a message, shortened to 60 characters and with control characters escaped."""
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return f"'{shown}'" if shown.isprintable() else ascii(shown)
