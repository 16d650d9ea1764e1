"""A run's error, in Azure's shape: `{"error": {"code": …, "message": …, "debugInfo": {"type": …}}}`."""

from typing import Any


def error_message(error: Any) -> "str | None":
    """Return the message of a run's error, when there is one."""
    return _text(_inner(error), "message")


def error_kind(error: Any) -> "str | None":
    """Return the name of the exception of a run's error, when there is one."""
    inner = _inner(error)
    return _text(inner.get("debugInfo") if isinstance(inner, dict) else None, "type")


def describe_error(error: Any) -> str:
    """Return the message of a run's error, behind the name of its exception if there is one; empty without either."""
    kind, message = error_kind(error), error_message(error) or ""
    return message if kind is None or kind == message else f"{kind}: {message}"


def _inner(error: Any) -> Any:
    return error.get("error") if isinstance(error, dict) else None


def _text(document: Any, key: str) -> "str | None":
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
