"""Partition formats, which name the parts of paths that are columns, as in `/{city}/{day:yyyy/MM/dd}/data.csv`."""

import re
from datetime import datetime
from typing import Any, Dict, List, Tuple

from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.exceptions import UserErrorException

_TIMES = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_COLUMN = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_WORD = re.compile("|".join(_TIMES))


class PartitionFormat:
    """A partition format as in Azure, which is matched against the end of a file's path.

    `{name}` is a column of text, `{name:yyyy/MM/dd/HH/mm/ss}` one of times; `*` is any text without a slash.

    Attributes:
        columns: The names of the columns, in their order.
    """

    def __init__(self, text: str) -> None:
        """Parse a partition format.

        Raises:
            UserErrorException: It is not text, has no column, has one twice, or a time has no year.
        """
        if not isinstance(text, str):
            raise UserErrorException(f"A partition_format is text, not {text!r}.")
        self._text = text
        self.columns: List[str] = []
        self._times: Dict[str, List[str]] = {}
        pattern, end = "", 0
        for found in _COLUMN.finditer(text):
            pattern += _build_literal_pattern(text[end : found.start()]) + self._add_column_and_build_pattern(
                found.group(1), found.group(2)
            )
            end = found.end()
        if not self.columns:
            raise UserErrorException(
                f"The partition_format {text!r} has no column: write it as '/{{city}}/{{day:yyyy/MM/dd}}/data.csv'."
            )
        start = ".*" if text.startswith("/") else "(?:.*/)?"
        self._pattern = re.compile(f"{start}{pattern}{_build_literal_pattern(text[end:])}", re.DOTALL)

    def _add_column_and_build_pattern(self, name: str, time_format: "str | None") -> str:
        """Add a column, and return the regular expression that matches its values in paths."""
        if name in self.columns:
            raise UserErrorException(f"The partition_format {self._text!r} has the column {name!r} twice.")
        self.columns.append(name)
        if time_format is None:
            return "([^/]+?)"
        words = _WORD.findall(time_format)
        if "yyyy" not in words or len(set(words)) < len(words):
            raise UserErrorException(
                f"A time in a partition_format has yyyy, and MM, dd, HH, mm and ss once at most, not {time_format!r}."
            )
        self._times[name] = [_TIMES[word] for word in words]
        pieces = _WORD.split(time_format)
        numbers = [rf"(\d{{{len(word)}}})" for word in words]
        return "".join(f"{re.escape(piece)}{number}" for piece, number in zip(pieces, [*numbers, ""]))

    def parse_path(self, path: str) -> "Dict[str, Any]":
        """Parse a file's path into partition values, strings or `datetime` objects, keyed by column.

        Raises:
            DatasetExecutionError: The end of the path does not have this format, or a time is none.
        """
        found = self._pattern.fullmatch(path)
        if found is None:
            raise DatasetExecutionError(f"{path} does not end as the partition_format {self._text!r} says.")
        texts = list(found.groups())
        values: Dict[str, Any] = {}
        for column in self.columns:
            words = self._times.get(column)
            if words is None:
                values[column] = texts.pop(0)
                continue
            numbers = {word: int(texts.pop(0)) for word in words}
            try:
                values[column] = datetime(**{"month": 1, "day": 1, **numbers})  # type: ignore[arg-type]
            except ValueError as error:
                raise DatasetExecutionError(f"{path} has no time for the column {column!r}: {error}.", error) from error
        return values


def list_partition_values(partition_format_text: str, paths: "List[str]", keys: "List[str]") -> "List[Dict[str, Any]]":
    """Return the distinct combinations of values of the given partition keys, in the order of the paths.

    Raises:
        UserErrorException: The format has no column of that name.
        DatasetExecutionError: A path does not have the format.
    """
    partition_format = PartitionFormat(partition_format_text)
    unknown = [key for key in keys if key not in partition_format.columns]
    if unknown:
        raise UserErrorException(
            f"The dataset has no partition key {', '.join(map(repr, unknown))}; it has: "
            f"{', '.join(partition_format.columns)}."
        )
    found: Dict[Tuple[Any, ...], Dict[str, Any]] = {}
    for path in paths:
        values = partition_format.parse_path(path)
        found.setdefault(tuple(values[key] for key in keys), {key: values[key] for key in keys})
    return list(found.values())


def _build_literal_pattern(text: str) -> str:
    """Return the regular expression for literal text of a format, in which `*` matches any part of a file name."""
    return "[^/]*".join(map(re.escape, text.split("*")))
