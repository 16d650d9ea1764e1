"""Warnings of the SDK, each logged once."""

from contextlib import suppress
from typing import Set

_warned: Set[str] = set()


def warn_once(subject: str, text: str) -> None:
    """Log a warning once per subject in this process; never raise, even if a logging handler fails."""
    if subject in _warned:
        return
    _warned.add(subject)
    with suppress(Exception):  # an error in one of the script's handlers
        from logging import getLogger

        getLogger("azureml.core").warning("%s", text)
