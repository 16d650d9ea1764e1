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

from functools import lru_cache
from json import dumps
from time import time
from typing import Any

from azureml._gateway.scalars import is_plural, scalar_json, text_json
from azureml.exceptions import UserErrorException

LONGEST_NAME = 255


def log_line(name: object, value: object, description: object, step: object) -> str:
    """Line of `log`."""
    text = scalar_json(value)
    if text is None:
        raise UserErrorException(f"log takes one value for {name!r}, {_instead_of(value)}")
    return _metric_line("m", name, text, description, "null" if step is None else _step_json(step))


def log_list_line(name: object, values: object, description: object) -> str:
    """Line of `log_list`: any iterable of scalars, in its order."""
    text = None if isinstance(values, (str, bytes, dict)) else _list_json(name, values)
    if text is None:
        raise UserErrorException(
            f"log_list takes a list of values for {name!r}, not {_kind(values)}. Use log for one value, "
            "log_row or log_table for named columns."
        )
    return _metric_line("l", name, text, description)


def log_row_line(name: object, columns: "dict[str, object]", description: object) -> str:
    """Line of `log_row`: a scalar per column."""
    if not columns:
        raise UserErrorException(f"log_row needs at least one column for {name!r}, as in log_row({name!r}, x=1, y=2).")
    cells = []
    for column, value in columns.items():
        text = scalar_json(value)
        if text is None:
            raise UserErrorException(f"log_row takes one value for column {column!r} of {name!r}, {_instead_of(value)}")
        cells.append(f"{text_json(column)}:{text}")
    return _metric_line("r", name, f"{{{','.join(cells)}}}", description)


def log_table_line(name: object, columns: object, description: object) -> str:
    """Line of `log_table`: a scalar or a list of them per column."""
    if not isinstance(columns, dict):
        raise UserErrorException(
            f"log_table takes a dict of columns for {name!r}, as in {{'x': [1, 2], 'y': [3, 4]}}, not {_kind(columns)}."
        )
    cells = []
    for column, value in columns.items():
        text = scalar_json(value)
        if text is None and not isinstance(value, (bytes, dict)):
            text = _list_json(name, value)
        if text is None:
            raise UserErrorException(
                f"log_table takes a list of values for column {column!r} of {name!r}, not {_kind(value)}."
            )
        cells.append(f"{text_json(str(column))}:{text}")
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
    return _metric_line(kind, name, text_json(uri), description)


def line_for(run_id: str, line: str) -> str:
    """The same line in the journal of somebody else than the run."""
    return f'[">",{dumps(run_id)},{line[:-1]}]\n'


def _metric_line(kind: str, name: object, text: str, description: object, step: str = "null") -> str:
    if not isinstance(name, str):
        raise UserErrorException(f"The name of a metric is text, not {_kind(name)}.")
    more = f",{text_json(str(description))}" if description else ""
    return f'["{kind}",{_name_json(name)},{time():.6f},{step},{text}{more}]\n'


@lru_cache(maxsize=4096)
def _name_json(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME:
        raise UserErrorException(
            f"The name of a metric has 1 to {LONGEST_NAME} characters, not {len(name)}"
            + (f": {name[:40]!r}…" if name else ".")
        )
    return text_json(name)


def _list_json(name: object, values: Any) -> "str | None":
    """JSON text of an iterable of scalars; None when it is no iterable."""
    to_list = getattr(values, "tolist", None)
    items = to_list() if callable(to_list) else values
    try:
        iterator = iter(items)
    except TypeError:
        return None
    texts = []
    for position, item in enumerate(iterator):
        text = scalar_json(item)
        if text is None:
            raise UserErrorException(
                f"A list for {name!r} holds {_kind(item)} at position {position}; "
                "it can hold numbers, text and booleans."
            )
        texts.append(text)
    return f"[{','.join(texts)}]"


def _step_json(step: object) -> str:
    item = getattr(step, "item", None)
    number = item() if callable(item) else step
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or not -(2**63) <= number < 2**63:
        raise UserErrorException(f"step is an integer, not {step!r}.")
    return str(int(number))


def _instead_of(value: object) -> str:
    if isinstance(value, dict):
        return "not a dict. Use log_row for one row of named columns, log_table for a whole table."
    if is_plural(value) and not isinstance(value, bytes):
        return f"not {_kind(value)}. Use log_list for a list of values."
    return f"a number, text or boolean, not {_kind(value)}. Convert it by float() or str() first."


def _kind(value: object) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
