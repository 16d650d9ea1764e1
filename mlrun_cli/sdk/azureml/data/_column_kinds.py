"""Kinds of the columns in delimited files, inferred from the values of a whole table, or of its files one by one."""

import re
from typing import Any, Dict, List, Optional, Sequence

TEXT = "text"
_INTEGER = "integer"
_FLOAT = "float"
_BOOL = "bool"
_BOOL_OR_MISSING = "bool or missing"
_ISO_8601 = "time"
_SLASHED = "time: "
"""Followed by the format of a day or time with slashes."""

_COMPLETE = (_INTEGER, _BOOL)
"""Kinds of columns in which no value is missing."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?Z?")
"""A day or a time of ISO 8601, in which day and month cannot be confused."""
_SLASHED_TIME = re.compile(
    r"\d{1,2}/\d{1,2}/\d{4}(?: \d{1,2}:\d\d(?P<seconds>:\d\d)?(?P<half> [AP]M)?)?", re.IGNORECASE
)
"""A day or a time such as `1/31/2020 9:05 PM`, in which either number can be the month."""

ColumnKinds = Dict[str, str]
FoundKinds = Dict[str, Optional[List[str]]]
"""For each column the kinds that its values can have, the one to choose first; None for a column without values."""


def infer_times(pandas: Any, table: Any, known_columns: Sequence[str]) -> Any:
    """Convert a table's columns of dates or times to timestamps in UTC, as in Azure, and return the table."""
    for name in table.columns:
        if name not in known_columns:
            kind = _choose_kind(_list_time_kinds(pandas, table[name]))
            if kind != TEXT:
                table[name] = _convert_to_times(pandas, table[name], kind)
    return table


def find_kinds(pandas: Any, table: Any, known_columns: Sequence[str]) -> FoundKinds:
    """Return the possible kinds of each column of a file's table, except columns whose types are known."""
    return {name: _list_kinds(pandas, table[name]) for name in table.columns if name not in known_columns}


def find_common_kinds(files: Sequence[FoundKinds]) -> ColumnKinds:
    """Return the kind, in the whole table, of each column that would get another kind if some file were read alone."""
    names = dict.fromkeys(name for found in files for name in found)  # a column that a file lacks has no value there
    return {name: kind for name in names for kind in _list_differing_kinds([found.get(name) for found in files])}


def convert_to_kinds(pandas: Any, table: Any, kinds: ColumnKinds) -> Any:
    """Convert a table's columns to these kinds, except text, which has been read as such; return the table."""
    for name, kind in kinds.items():
        if name not in table.columns or kind == TEXT:
            continue
        if kind == _FLOAT:
            table[name] = pandas.to_numeric(table[name]).astype("float64")
        elif kind == _BOOL_OR_MISSING:
            table[name] = table[name].astype(object)
        else:
            table[name] = _convert_to_times(pandas, table[name], kind)
    return table


def is_time(kind: str) -> bool:
    """Return whether a kind is one of times."""
    return kind == _ISO_8601 or kind.startswith(_SLASHED)


def _list_differing_kinds(found: "List[Optional[List[str]]]") -> "List[str]":
    """Return a list with a column's common kind in several files, empty if each file alone gives that kind."""
    valued = [kinds for kinds in found if kinds is not None]
    if not valued:
        return []
    common = [kind for kind in valued[0] if all(kind in kinds for kinds in valued)]
    if len(valued) < len(found):
        common = [kind for kind in common if kind not in _COMPLETE]
    chosen = _choose_kind(common)
    alone = {_FLOAT if kinds is None else _choose_kind(kinds) for kinds in found}
    return [] if alone == {chosen} else [chosen]


def _choose_kind(kinds: "List[str]") -> str:
    """Return the first of a column's possible kinds; dates that can be read in two ways stay text, as in Azure."""
    return kinds[0] if len(kinds) > 0 and not (len(kinds) > 1 and kinds[1].startswith(_SLASHED)) else TEXT


def _list_kinds(pandas: Any, column: Any) -> "Optional[List[str]]":
    """Return the possible kinds of a column, or None if it has no value."""
    values = column.dropna()
    if not len(values):
        return None
    is_complete = len(values) == len(column)
    types = pandas.api.types
    if types.infer_dtype(values) == "boolean":
        kinds = [_BOOL, _BOOL_OR_MISSING]
    elif types.is_numeric_dtype(column):
        is_whole = types.is_integer_dtype(column)
        kinds = [_INTEGER, _FLOAT] if is_whole else [_FLOAT]
    else:
        kinds = _list_time_kinds(pandas, column)
    return [kind for kind in kinds if is_complete or kind not in _COMPLETE] + [TEXT]


def _list_time_kinds(pandas: Any, column: Any) -> "List[str]":
    """Return the kinds of times as which all values of a column can be parsed."""
    if _matches_pattern(pandas, column, _TIME):
        return [_ISO_8601]
    return _list_slashed_time_kinds(pandas, column) if _matches_pattern(pandas, column, _SLASHED_TIME) else []


def _matches_pattern(pandas: Any, column: Any, pattern: Any) -> bool:
    """Return whether a column has values and all of them are strings that match a pattern."""
    if pandas.api.types.is_numeric_dtype(column) or not pandas.api.types.is_string_dtype(column.dropna()):
        return False
    values = column.dropna()
    parts = (values.iloc[:200], values)  # most columns of text are recognized by their beginning
    return len(values) > 0 and all(
        all(isinstance(value, str) and pattern.fullmatch(value) for value in part) for part in parts
    )


def _list_slashed_time_kinds(pandas: Any, column: Any) -> "List[str]":
    """Return the formats, with slashes and month or day first, that match all values of a column."""
    first = column.dropna().iloc[0]
    match = _SLASHED_TIME.fullmatch(first)
    clock = ""
    if match and ":" in first:
        seconds = ":%S" if match.group("seconds") else ""
        clock = f" %I:%M{seconds} %p" if match.group("half") else f" %H:%M{seconds}"
    formats = [f"{_SLASHED}{day}{clock}" for day in ("%m/%d/%Y", "%d/%m/%Y")]
    is_given = column.notna()
    return [kind for kind in formats if not _convert_to_times(pandas, column, kind)[is_given].isna().any()]


def _convert_to_times(pandas: Any, column: Any, kind: str) -> Any:
    if kind != _ISO_8601:
        return pandas.to_datetime(column, format=kind[len(_SLASHED) :], errors="coerce")
    # Before pandas 2, a column is read without a format, and its values may differ in theirs.
    how = {"format": "ISO8601"} if int(pandas.__version__.partition(".")[0]) >= 2 else {}
    return pandas.to_datetime(column, errors="coerce", utc=True, **how).dt.tz_localize(None)
