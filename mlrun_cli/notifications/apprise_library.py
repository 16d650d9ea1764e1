"""Lazy import of the package `apprise`, which is optional and slow to import."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load_apprise() -> Any:
    """Import and return the package `apprise`.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    return import_module("apprise")
