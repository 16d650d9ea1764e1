"""Encoding of metric values as JSON text."""

from json import dumps
from typing import Any

_LARGEST = 1.7976931348623157e308
_LONGEST_INTEGER_BITS = 14_000  # Python refuses to read integers of more than 4300 digits


def encode_scalar(value: Any) -> "str | None":
    """Return a scalar (number, string, boolean, None or NumPy scalar) as JSON text, or return None for other values."""
    kind = type(value)
    if kind is float:  # as `_encode_float`, without a call: most logged values are floats
        return repr(value) if -_LARGEST <= value <= _LARGEST else dumps(value)
    if value is None or kind is bool:
        return dumps(value)
    if isinstance(value, int):
        return int.__repr__(value) if value.bit_length() < _LONGEST_INTEGER_BITS else None
    if isinstance(value, str):
        return encode_text(value)
    if isinstance(value, float):
        return _encode_float(float(value))
    return _encode_foreign_scalar(value)


def encode_text(text: str) -> str:
    """Return a string as JSON text, with lone surrogates escaped."""
    return dumps(escape_surrogates(text))


def escape_surrogates(text: str) -> str:
    """Return a string with lone surrogates escaped, because databases reject them."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def format_fallback(value: object) -> str:
    """Return the text to store for a value that is not a scalar: its `repr`, or hexadecimal for a huge integer."""
    if isinstance(value, int) and value.bit_length() >= _LONGEST_INTEGER_BITS:
        return hex(value)
    try:
        return repr(value)
    except Exception:  # raised by the value's `__repr__`
        return object.__repr__(value)


def _encode_float(value: float) -> str:
    if -_LARGEST <= value <= _LARGEST:
        return repr(value)
    return dumps(value)


def _encode_foreign_scalar(value: Any) -> "str | None":
    """Return another package's scalar, such as NumPy's or a `Decimal`, as JSON text, or return None for other values.

    Zero-dimensional arrays are converted by `item()`, others by `float`; if that raises, the result is None.
    """
    try:
        if getattr(value, "shape", ()) != () or _would_lose_data(value):
            return None
        item = getattr(value, "item", None)
        plain = item() if callable(item) else value
        if isinstance(plain, (bool, int, float, str)):
            return encode_scalar(plain)
        if type(plain) is not type(value) or not hasattr(type(value), "__float__"):
            return None
        return _encode_float(float(value))
    except Exception:
        return None


def _would_lose_data(value: Any) -> bool:
    """Return whether converting a NumPy value would lose data, as for times, complex and masked numbers."""
    return getattr(getattr(value, "dtype", None), "kind", "f") in ("m", "M", "c") or bool(getattr(value, "mask", False))
