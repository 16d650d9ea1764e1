"""The error of a run in Azure's format.

`{"error": {"code": …, "message": …, "innerError": {"code": …}, "debugInfo": {"type": …}}}`.
"""

from typing import Any


def get_error_message(error: Any) -> "str | None":
    """Return the message of a run's error, or None if there is none."""
    return _get_text(_get_inner_error(error), "message")


def get_exception_name(error: Any) -> "str | None":
    """Return the exception name of a run's error, or None if there is none."""
    inner = _get_inner_error(error)
    return _get_text(inner.get("debugInfo") if isinstance(inner, dict) else None, "type")


def get_inner_error_code(error: Any) -> "str | None":
    """Return the inner error code of a run's error, or None if there is none."""
    inner = _get_inner_error(error)
    return _get_text(inner.get("innerError") if isinstance(inner, dict) else None, "code")


def describe_error(error: Any) -> str:
    """Return the message of a run's error, prefixed with its exception name if known, or an empty string."""
    kind, message = get_exception_name(error), get_error_message(error) or ""
    return message if kind is None or kind == message else f"{kind}: {message}"


def _get_inner_error(error: Any) -> Any:
    return error.get("error") if isinstance(error, dict) else None


def _get_text(document: Any, key: str) -> "str | None":
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
