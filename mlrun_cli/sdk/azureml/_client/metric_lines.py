"""Journal lines of logged metrics: Python and NumPy values, validated and encoded as JSON."""

from contextlib import suppress
from functools import lru_cache
from types import GeneratorType
from typing import Any, Dict, Iterator, Tuple

from azureml._client.notices import warn_once
from azureml._client.scalars import encode_scalar, encode_text, format_fallback
from azureml._wire import journal_lines
from azureml._wire.journal_lines import LONGEST_NAME, encode_metric
from azureml.exceptions import AzureMLException, UserErrorException

_IS_GENERATOR = 0x20  # the code flag that `inspect` calls CO_GENERATOR


def encode_value(name: object, value: object, description: object, step: object) -> str:
    """Return the journal line for `log`; a value that is not a scalar is stored as text, with a warning.

    Raises:
        UserErrorException: The value is a list, a range or a generator.
    """
    text = encode_scalar(value)
    if text is None:
        text = _encode_fallback(name, value)
    return _encode_metric(
        journal_lines.SCALAR, name, text, description, "null" if step is None else _encode_step(name, step)
    )


def encode_list(name: object, values: object, description: object) -> str:
    """Return the journal line for `log_list`, with the scalars of any iterable in order.

    Raises:
        TypeError: The value is not iterable.
        AzureMLException: An item is not a scalar.
    """
    text = _encode_items(f"A list for {name!r}", values)
    if text is None:
        raise TypeError(
            f"log_list takes a list of values for {name!r}, not {_describe_type(values)}. Use log for one value, "
            "log_row or log_table for named columns."
        )
    return _encode_metric(journal_lines.LIST, name, text, description)


def encode_row(name: object, columns: "Dict[str, object]", description: object) -> str:
    """Return the journal line for `log_row`, with one scalar per column.

    Raises:
        AzureMLException: The value of a column is not a scalar.
    """
    cells = []
    for column, value in columns.items():
        text = encode_scalar(value)
        if text is None:
            raise AzureMLException(
                f"log_row takes one value for column {column!r} of {name!r}, not {_describe_type(value)}. "
                f"{_suggest_log_call(value)}"
            )
        cells.append(f"{encode_text(column)}:{text}")
    return _encode_metric(journal_lines.ROW, name, f"{{{','.join(cells)}}}", description)


def encode_table(name: object, columns: Any, description: object) -> str:
    """Return the journal line for `log_table`, with a scalar or an equally long list of scalars per column.

    Raises:
        AttributeError: The value has no named columns.
        AzureMLException: A column contains an item that is not a scalar, or the columns differ in length.
    """
    if not hasattr(columns, "keys"):
        raise AttributeError(
            f"log_table takes a dict of columns for {name!r}, as in {{'x': [1, 2], 'y': [3, 4]}}, not "
            f"{_describe_type(columns)}."
        )
    cells = []
    lengths: Dict[str, int] = {}
    for column in columns.keys():  # noqa: SIM118 - pandas iterates over a frame's columns, a mapping need not
        value = columns[column]
        text, lengths[str(column)] = encode_scalar(value), 1
        if text is None:
            text, lengths[str(column)] = _encode_column(name, column, value)
        cells.append(f"{encode_text(str(column))}:{text}")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column!r} has {length}" for column, length in lengths.items())
        raise AzureMLException(f"The columns of the table {name!r} are of one length: {told}.")
    return _encode_metric(journal_lines.TABLE, name, f"{{{','.join(cells)}}}", description)


def encode_artifact(kind: str, name: object, uri: str, description: object) -> str:
    """Return the journal line for a metric whose value is the URI of a stored file, such as an image."""
    return _encode_metric(kind, name, encode_text(uri), description)


def _encode_metric(kind: str, name: object, value: str, description: object, step: str = "null") -> str:
    label = name if isinstance(name, str) else format_fallback(name)
    return encode_metric(kind, encode_name(label), value, step, encode_text(str(description)) if description else None)


@lru_cache(maxsize=4096)
def encode_name(name: str) -> str:
    """Return a metric name as JSON text; replace an empty or too long name, and warn about it."""
    if not 0 < len(name) <= LONGEST_NAME:
        kept = _replace_invalid_name(name)
        warn_once(
            f"name {name}",
            f"The name of a metric has 1 to {LONGEST_NAME} characters, not {len(name)}: it is kept as {kept!r}.",
        )
        return encode_text(kept)
    return encode_text(name)


def _replace_invalid_name(name: str) -> str:
    """Return a replacement for an invalid metric name: `unnamed`, or a long name truncated and given a checksum."""
    if not name:
        return "unnamed"
    from binascii import crc32

    mark = f"…{crc32(name.encode('utf-8', 'backslashreplace')):08x}"
    return name[: LONGEST_NAME - len(mark)] + mark


def _encode_fallback(name: object, value: Any) -> str:
    """Warn that a value is not a scalar, and return the JSON text to store for it.

    Raises:
        UserErrorException: The value is a list, a range or a generator.
    """
    is_generator = (
        isinstance(value, GeneratorType) or getattr(getattr(value, "__code__", None), "co_flags", 0) & _IS_GENERATOR
    )
    if isinstance(value, (list, range)) or is_generator:
        raise UserErrorException(
            f"log takes one value for {name!r}, not {_describe_type(value)}. Use log_list for a list of values."
        )
    warn_once(
        f"value {name}",
        f"log takes one value for {name!r}, not {_describe_type(value)}, of which the text is kept. "
        f"{_suggest_log_call(value)}",
    )
    return encode_text(format_fallback(value))


def _encode_column(name: object, column: object, values: Any) -> "Tuple[str, int]":
    """Return the JSON text of a table column with several values, and the number of values."""
    items = None if isinstance(values, (bytes, dict)) else _create_iterator(values)
    if items is None:
        raise AzureMLException(
            f"log_table takes a list of values for column {column!r} of {name!r}, not {_describe_type(values)}."
        )
    listed = list(items)
    text = _encode_items(f"The column {column!r} of {name!r}", listed)
    assert text is not None
    return text, len(listed)


def _encode_items(subject: str, values: Any) -> "str | None":
    """Return a JSON array of the scalars in `values`, or None if it is not iterable; errors call it `subject`."""
    items = _create_iterator(values)
    if items is None:
        return None
    texts = []
    for position, item in enumerate(items):
        text = encode_scalar(item)
        if text is None:
            raise AzureMLException(
                f"{subject} holds {_describe_type(item)} at position {position}; "
                "it can hold numbers, text and booleans."
            )
        texts.append(text)
    return f"[{','.join(texts)}]"


def _create_iterator(values: Any) -> "Iterator[Any] | None":
    """Return an iterator over a value, converting NumPy items except times, or None if the value is not iterable."""
    to_list = getattr(values, "tolist", None)
    is_of_times = getattr(getattr(values, "dtype", None), "kind", None) in ("m", "M")
    items: Any = to_list() if callable(to_list) and not is_of_times else values
    try:
        iterator: Iterator[Any] = iter(items)
    except TypeError:
        return None
    return iterator


def _encode_step(name: object, step: Any) -> str:
    """Return a step as a JSON integer, or `null` with a warning if it is not a 64-bit integer."""
    with suppress(Exception):  # NaN, or an error of the value's own package
        item = getattr(step, "item", None)
        number = int(item() if callable(item) else step)
        if -(2**63) <= number < 2**63:
            return str(number)
    warn_once(f"step {name}", f"The step of {name!r} is an integer, not {format_fallback(step)}: it is left out.")
    return "null"


def _suggest_log_call(value: object) -> str:
    """Return a sentence that suggests, in an error message, how to log the value."""
    if isinstance(value, dict):
        return "Use log_row for one row of named columns, log_table for a whole table."
    if hasattr(value, "__iter__") and not isinstance(value, bytes):
        return "Use log_list for a list of values."
    return "Convert it by float() or str() first."


def _describe_type(value: object) -> str:
    """Return the name of the value's type with an indefinite article, or "None"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
