"""Warnings of the SDK, each logged once."""

from contextlib import suppress
from typing import Set

_warned: Set[str] = set()


def warn_once(subject: str, text: str) -> None:
    """Log a warning, once for each subject in this process. Never raises, also where warnings are errors."""
    if subject in _warned:
        return
    _warned.add(subject)
    with suppress(Exception):  # of a handler of the script's own
        from logging import getLogger

        getLogger("azureml.core").warning("%s", text)
