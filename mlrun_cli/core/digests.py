"""SHA-256 of short texts without OpenSSL, whose loading takes 3 ms and 1 MB."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

_BUILT_IN_MODULES = ("_sha2", "_sha256")
"""The interpreter's built-in modules, from Python 3.12 on and before, which `random` uses too."""


def _load_sha256_constructor() -> Any:
    for name in _BUILT_IN_MODULES:
        with suppress(ImportError):  # a Python may be built without
            return import_module(name).sha256
    return import_module("hashlib").sha256


_sha256 = _load_sha256_constructor()


def create_sha256(content: bytes = b"") -> Any:
    """Return a SHA-256 object as in `hashlib`, initialized with `content`; meant for up to a few kilobytes."""
    return _sha256(content)
