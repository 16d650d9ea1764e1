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
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def text_instead(value: object) -> str:
    """Text that is kept of what is no scalar: its `repr`, as azureml-core keeps it."""
    if isinstance(value, int) and value.bit_length() >= _LONGEST_INTEGER_BITS:
        return hex(value)
    try:
        return repr(value)
    except Exception:  # of the value's own
        return object.__repr__(value)


def _float_json(value: float) -> str:
    if -_LARGEST <= value <= _LARGEST:
        return repr(value)
    return dumps(value)


def _foreign_json(value: Any) -> "str | None":
    """Scalars of other packages: NumPy's and tensors without dimension by `item()`, `Decimal` by `float`.

    Whatever the other package raises, the value is no scalar then.
    """
    try:
        if getattr(value, "shape", ()) != () or _is_part_of_more(value):
            return None
        item = getattr(value, "item", None)
        plain = item() if callable(item) else value
        if isinstance(plain, (bool, int, float, str)):
            return scalar_json(plain)
        if type(plain) is not type(value) or not hasattr(type(value), "__float__"):
            return None
        return _float_json(float(value))
    except Exception:
        return None


def _is_part_of_more(value: Any) -> bool:
    """Whether it is NumPy's and `item()` or `float` give less than it says: a time, a complex number, a masked one."""
    return getattr(getattr(value, "dtype", None), "kind", "f") in ("m", "M", "c") or bool(getattr(value, "mask", False))
