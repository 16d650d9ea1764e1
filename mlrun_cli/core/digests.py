"""SHA-256 of short texts without OpenSSL, which takes 3 ms and a megabyte to load and is faster for long ones only."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

_LEAN = ("_sha2", "_sha256")
"""Python's own, as `random` uses it: since 3.12, and before."""


def _find_lean() -> Any:
    for name in _LEAN:
        with suppress(ImportError):  # a Python may be built without
            return import_module(name).sha256
    return import_module("hashlib").sha256


_sha256 = _find_lean()


def create_short_hasher(content: bytes = b"") -> Any:
    """Return an object like those of `hashlib` that has hashed `content`, for some kilobytes at most."""
    return _sha256(content)
