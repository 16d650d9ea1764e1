"""The lines of a journal: one JSON array each, ASCII, with its newline.

    ["m"|"l"|"r"|"t", name, time, step|null, value]   by log, log_list, log_row, log_table
    ["g", time, {key: text|null}]                     tags set
    ["G", time, [key]]                                tags removed
    ["e", time, "Completed"|"Failed", error|null]     how the script says that it ends
    ["i"|"c"|"a"|"d"|"p", name, time, null, uri]      by log_image, log_confusion_matrix, log_accuracy_table,
                                                      log_residuals, log_predictions: where the file is
    [">", run id, line]                               any of these about another run than the journal's own

A metric's description is a sixth element. Times are seconds since 1970. NaN and the infinities are written as
Python's `json` does.
"""

from contextlib import suppress
from functools import lru_cache
from json import dumps
from time import time
from types import GeneratorType
from typing import Any, Dict, Iterator, Tuple

from azureml._client.notices import warn_once
from azureml._client.scalars import encode_scalar, encode_text, fallback_text
from azureml.exceptions import AzureMLException, UserErrorException

LONGEST_NAME = 255
_IS_GENERATOR = 0x20  # of a function's code, as `inspect` names it


def log_line(name: object, value: object, description: object, step: object) -> str:
    """Line of `log`. What is no scalar is kept as text, with a warning for each name.

    Raises:
        UserErrorException: It is a list, a range or a generator.
    """
    text = encode_scalar(value)
    if text is None:
        text = _text_instead(name, value)
    return _metric_line("m", name, text, description, "null" if step is None else _step_json(name, step))


def log_list_line(name: object, values: object, description: object) -> str:
    """Line of `log_list`: any iterable of scalars, in its order.

    Raises:
        TypeError: It is no iterable.
        AzureMLException: It holds what is no scalar.
    """
    text = _list_json(f"A list for {name!r}", values)
    if text is None:
        raise TypeError(
            f"log_list takes a list of values for {name!r}, not {_kind(values)}. Use log for one value, "
            "log_row or log_table for named columns."
        )
    return _metric_line("l", name, text, description)


def log_row_line(name: object, columns: "Dict[str, object]", description: object) -> str:
    """Line of `log_row`: a scalar per column.

    Raises:
        AzureMLException: A column is no scalar.
    """
    cells = []
    for column, value in columns.items():
        text = encode_scalar(value)
        if text is None:
            raise AzureMLException(
                f"log_row takes one value for column {column!r} of {name!r}, not {_kind(value)}. {_way_out(value)}"
            )
        cells.append(f"{encode_text(column)}:{text}")
    return _metric_line("r", name, f"{{{','.join(cells)}}}", description)


def log_table_line(name: object, columns: Any, description: object) -> str:
    """Line of `log_table`: a scalar or a list of them per column, all of one length.

    Raises:
        AttributeError: It has no columns by name.
        AzureMLException: A column holds what is no scalar, or is longer than another.
    """
    if not hasattr(columns, "keys"):
        raise AttributeError(
            f"log_table takes a dict of columns for {name!r}, as in {{'x': [1, 2], 'y': [3, 4]}}, not {_kind(columns)}."
        )
    cells = []
    lengths: Dict[str, int] = {}
    for column in columns.keys():  # noqa: SIM118 - pandas iterates over a frame's columns, a mapping need not
        value = columns[column]
        text, lengths[str(column)] = encode_scalar(value), 1
        if text is None:
            text, lengths[str(column)] = _column_json(name, column, value)
        cells.append(f"{encode_text(str(column))}:{text}")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column!r} has {length}" for column, length in lengths.items())
        raise AzureMLException(f"The columns of the table {name!r} are of one length: {told}.")
    return _metric_line("t", name, f"{{{','.join(cells)}}}", description)


def tags_line(tags: "dict[str, str | None]") -> str:
    """Line of `tag` and `set_tags`."""
    return f'["g",{time():.6f},{dumps(tags)}]\n'


def remove_tags_line(keys: "list[str]") -> str:
    """Line of `remove_tags`."""
    return f'["G",{time():.6f},{dumps(keys)}]\n'


def end_line(status: str, error: "dict[str, str] | None") -> str:
    """Line of `complete` and `fail`."""
    return f'["e",{time():.6f},"{status}",{dumps(error)}]\n'


def artifact_line(kind: str, name: object, uri: str, description: object) -> str:
    """Line of `log_image` (`i`), `log_confusion_matrix` (`c`) and the like, once the file is kept."""
    return _metric_line(kind, name, encode_text(uri), description)


def line_for(run_id: str, line: str) -> str:
    """The same line in the journal of somebody else than the run."""
    return f'[">",{dumps(run_id)},{line[:-1]}]\n'


def _metric_line(kind: str, name: object, text: str, description: object, step: str = "null") -> str:
    label = name if isinstance(name, str) else fallback_text(name)
    more = f",{encode_text(str(description))}" if description else ""
    return f'["{kind}",{_name_json(label)},{time():.6f},{step},{text}{more}]\n'


@lru_cache(maxsize=4096)
def _name_json(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME:
        kept = _name_instead(name)
        warn_once(
            f"name {name}",
            f"The name of a metric has 1 to {LONGEST_NAME} characters, not {len(name)}: it is kept as {kept!r}.",
        )
        return encode_text(kept)
    return encode_text(name)


def _name_instead(name: str) -> str:
    """A name that can be kept; different ones for different names."""
    if not name:
        return "unnamed"
    from binascii import crc32

    mark = f"…{crc32(name.encode('utf-8', 'backslashreplace')):08x}"
    return name[: LONGEST_NAME - len(mark)] + mark


def _text_instead(name: object, value: Any) -> str:
    """JSON text that is kept of what is no scalar.

    Raises:
        UserErrorException: It is a list, a range or a generator.
    """
    is_generator = (
        isinstance(value, GeneratorType) or getattr(getattr(value, "__code__", None), "co_flags", 0) & _IS_GENERATOR
    )
    if isinstance(value, (list, range)) or is_generator:
        raise UserErrorException(
            f"log takes one value for {name!r}, not {_kind(value)}. Use log_list for a list of values."
        )
    warn_once(
        f"value {name}",
        f"log takes one value for {name!r}, not {_kind(value)}, of which the text is kept. {_way_out(value)}",
    )
    return encode_text(fallback_text(value))


def _column_json(name: object, column: object, values: Any) -> "Tuple[str, int]":
    """JSON text of a table's column of several values, and how many there are."""
    items = None if isinstance(values, (bytes, dict)) else _listed(values)
    if items is None:
        raise AzureMLException(
            f"log_table takes a list of values for column {column!r} of {name!r}, not {_kind(values)}."
        )
    listed = list(items)
    text = _list_json(f"The column {column!r} of {name!r}", listed)
    assert text is not None
    return text, len(listed)


def _list_json(what: str, values: Any) -> "str | None":
    """JSON text of an iterable of scalars; None when it is no iterable."""
    items = _listed(values)
    if items is None:
        return None
    texts = []
    for position, item in enumerate(items):
        text = encode_scalar(item)
        if text is None:
            raise AzureMLException(
                f"{what} holds {_kind(item)} at position {position}; it can hold numbers, text and booleans."
            )
        texts.append(text)
    return f"[{','.join(texts)}]"


def _listed(values: Any) -> "Iterator[Any] | None":
    """The items of an iterable, NumPy's as Python's own but for its times; None when it is none."""
    to_list = getattr(values, "tolist", None)
    is_of_times = getattr(getattr(values, "dtype", None), "kind", None) in ("m", "M")
    items: Any = to_list() if callable(to_list) and not is_of_times else values
    try:
        iterator: Iterator[Any] = iter(items)
    except TypeError:
        return None
    return iterator


def _step_json(name: object, step: Any) -> str:
    """The integer that a step is or is cut to; what is none is left out, with a warning."""
    with suppress(Exception):  # of NaN, or of the package that it comes from
        item = getattr(step, "item", None)
        number = int(item() if callable(item) else step)
        if -(2**63) <= number < 2**63:
            return str(number)
    warn_once(f"step {name}", f"The step of {name!r} is an integer, not {fallback_text(step)}: it is left out.")
    return "null"


def _way_out(value: object) -> str:
    if isinstance(value, dict):
        return "Use log_row for one row of named columns, log_table for a whole table."
    if hasattr(value, "__iter__") and not isinstance(value, bytes):
        return "Use log_list for a list of values."
    return "Convert it by float() or str() first."


def _kind(value: object) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
