"""What may be one value of a metric, as JSON text."""

from json import dumps
from typing import Any

_LARGEST = 1.7976931348623157e308
_LONGEST_INTEGER_BITS = 14_000  # Python refuses to read integers of more than 4300 digits


def scalar_json(value: Any) -> "str | None":
    """JSON text of a number, text, boolean or None, NumPy's included; None for what is none of them."""
    kind = type(value)
    if kind is float:
        return _float_json(value)
    if value is None or kind is bool:
        return dumps(value)
    if isinstance(value, int):
        return int.__repr__(value) if value.bit_length() < _LONGEST_INTEGER_BITS else None
    if isinstance(value, str):
        return text_json(value)
    if isinstance(value, float):
        return _float_json(float(value))
    return _foreign_json(value)


def text_json(text: str) -> str:
    """JSON text of a text, made encodable."""
    return dumps(encodable(text))


def encodable(text: str) -> str:
    """The same text with half a surrogate pair, which no database takes, spelled out by its number."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_plural(value: object) -> bool:
    """Whether a value is made of several: a list, an array with a dimension, a generator."""
    return hasattr(value, "__iter__") and getattr(value, "shape", None) != ()


def _float_json(value: float) -> str:
    if -_LARGEST <= value <= _LARGEST:
        return repr(value)
    return dumps(value)


def _foreign_json(value: Any) -> "str | None":
    """Scalars of other packages: NumPy's and tensors without dimension by `item()`, `Decimal` by `float`."""
    if getattr(value, "shape", ()) != ():
        return None
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    if isinstance(plain, (bool, int, float, str)):
        return scalar_json(plain)
    if type(plain) is not type(value) or not hasattr(type(value), "__float__"):
        return None
    try:
        return _float_json(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
