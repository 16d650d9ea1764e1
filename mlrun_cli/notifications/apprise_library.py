"""The package `apprise`, which is loaded where it is needed, since it is an extra and slow to import."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load_apprise() -> Any:
    """Return the module `apprise`.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    return import_module("apprise")
