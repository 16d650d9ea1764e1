"""Reading of tables with the pandas package from the script's environment."""

import random
import re
from importlib import import_module
from typing import Any, Callable, Optional

from azureml.data._column_kinds import TEXT, ColumnKinds, FoundKinds, convert_to_kinds, find_kinds, infer_times
from azureml.data._partitions import PartitionFormat
from azureml.data._sources import DataFile
from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.exceptions import UserErrorException

ENCODINGS = {
    "utf8": "utf-8",
    "utf8bom": "utf-8-sig",
    "iso88591": "iso-8859-1",
    "latin1": "latin-1",
    "ascii": "ascii",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "windows1252": "cp1252",
}
_COLUMN = "Column"
"""The beginning of the names of columns in tables without headers."""


def import_pandas() -> Any:
    """Import and return the module `pandas`.

    Raises:
        UserErrorException: It is not installed in this environment.
    """
    try:
        return import_module("pandas")
    except ImportError as error:
        raise UserErrorException(
            f"Tables need pandas, which this Python does not have ({error}): 'pip install pandas', or add it to "
            "the packages of the run's environment."
        ) from error


def read_table(
    files: "list[DataFile]",
    options: "dict[str, Any]",
    steps: "list[list[Any]]",
    column_kinds: "Optional[ColumnKinds]" = None,
) -> Any:
    """Read all files, apply the steps and convert the columns; return the rows as one data frame.

    `column_kinds` has the kinds of columns that these files alone do not show, if they are a part of a table.

    Raises:
        UserErrorException: pandas or its engine for the format is not installed.
        DatasetExecutionError: A file is missing or invalid, or a column is missing or has the wrong type.
    """
    pandas = import_pandas()
    kinds = column_kinds or {}
    return _select_rows(pandas, _read_files(pandas, files, options, kinds), options, steps, list(kinds))


def inspect_table(
    files: "list[DataFile]", options: "dict[str, Any]", steps: "list[list[Any]]"
) -> "tuple[int, FoundKinds]":
    """Return the row count of a part of a table after the steps, and the possible kinds of the part's columns.

    Raises:
        UserErrorException, DatasetExecutionError: As for `read_table`.
    """
    pandas = import_pandas()
    table = _read_files(pandas, files, options, {})
    kinds = find_kinds(pandas, table, _list_known_columns(options)) if _infers_types(options) else {}
    return len(_select_rows(pandas, table, options, steps, [])), kinds


def _infers_types(options: "dict[str, Any]") -> bool:
    return bool(options["format"] == "delimited" and options["infer_column_types"])


def _read_files(pandas: Any, files: "list[DataFile]", options: "dict[str, Any]", column_kinds: ColumnKinds) -> Any:
    """Return the rows of all files as one data frame, with columns converted to these kinds."""
    if not files:
        raise DatasetExecutionError("The dataset has no file.")
    options = {**options, "texts": [name for name, kind in column_kinds.items() if kind == TEXT]}
    frames = [_read_file(pandas, file, index, options) for index, file in enumerate(files)]
    if options.get("header") == "ONLY_FIRST_FILE_HAS_HEADERS":
        for frame in frames[1:]:
            frame.columns = frames[0].columns[: len(frame.columns)]
    table = pandas.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return convert_to_kinds(pandas, table, column_kinds)


def _select_rows(
    pandas: Any, table: Any, options: "dict[str, Any]", steps: "list[list[Any]]", converted: "list[str]"
) -> Any:
    """Return the rows that remain after the steps, with columns of inferred or requested types."""
    if _infers_types(options):
        table = infer_times(pandas, table, [*_list_known_columns(options), *converted])
    for step in steps:
        table = _apply_step(table, step)
    return _convert_columns(pandas, table.reset_index(drop=True), options["types"])


def _read_file(pandas: Any, file: DataFile, file_index: int, options: "dict[str, Any]") -> Any:
    """Return a file as a data frame, with columns for partition values and the file's path if requested."""
    try:
        frame = _READERS[options["format"]](pandas, file.source, file_index, options)
    except ImportError as error:
        raise UserErrorException(
            f"Files of this format need a package more ({error}): 'pip install pyarrow' in this environment."
        ) from error
    except (OSError, ValueError) as error:  # ParserError and UnicodeDecodeError are ValueErrors
        raise DatasetExecutionError(f"{file.source} cannot be read: {error}", error) from error
    if options.get("partition_format"):
        values = PartitionFormat(options["partition_format"]).parse_path(file.source.partition("?")[0])
        new = [(column, value) for column, value in values.items() if column not in frame.columns]
        for place, (column, value) in enumerate(new):
            frame.insert(place, column, value)
    if options.get("include_path"):
        frame.insert(0, "Path", f"/{file.name}")
    return frame


def _list_known_columns(options: "dict[str, Any]") -> "list[str]":
    """Return the names of the columns with requested types and of the columns taken from files' paths."""
    text = options.get("partition_format")
    return [*options["types"], "Path", *(PartitionFormat(text).columns if text else ())]


def _read_delimited(pandas: Any, source: str, file_index: int, options: "dict[str, Any]") -> Any:
    header = options["header"]
    has_header = header in {"ALL_FILES_HAVE_SAME_HEADERS", "COMBINE_ALL_FILES_HEADERS"} or (
        header == "ONLY_FIRST_FILE_HAS_HEADERS" and file_index == 0
    )
    texts: list[Any] = [*options["types"], *options["texts"]]
    if header == "NO_HEADERS":
        texts = [int(name[len(_COLUMN) :]) - 1 for name in texts if re.fullmatch(rf"{_COLUMN}\d+", name)]
    frame = pandas.read_csv(
        source,
        sep=options["separator"],
        header=0 if has_header else None,
        encoding=ENCODINGS[options["encoding"]],
        # Requested types are converted from strings, in which 007 is still distinct from 7.
        dtype=dict.fromkeys(texts, str) if options["infer_column_types"] else str,
        keep_default_na=not options["empty_as_string"],
    )
    if header == "NO_HEADERS":
        frame.columns = [f"{_COLUMN}{place + 1}" for place in range(len(frame.columns))]
    return frame


def _read_parquet(pandas: Any, source: str, file_index: int, options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a reader
    return pandas.read_parquet(source)


def _read_json_lines(pandas: Any, source: str, file_index: int, options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a reader
    encoding = ENCODINGS[options["encoding"]]
    if options["invalid_lines"] == "error":
        return pandas.read_json(source, lines=True, encoding=encoding)
    import json

    rows = []
    with open(source, encoding=encoding) as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                rows.append(row)
    return pandas.DataFrame(rows)


_READERS: "dict[str, Callable[[Any, str, int, dict[str, Any]], Any]]" = {
    "delimited": _read_delimited,
    "parquet": _read_parquet,
    "json_lines": _read_json_lines,
}


def _apply_step(table: Any, step: "list[Any]") -> Any:
    """Return the table that results from a step of a dataset's definition, such as a filter."""
    name, *values = step
    if name == "take":
        return table.iloc[: values[0]]
    if name == "skip":
        return table.iloc[values[0] :]
    if name == "part":
        seed, low, high = values
        dice = random.Random(seed)  # noqa: S311 - a split of data is no secret
        return table[[low <= dice.random() < high for _ in range(len(table))]]
    missing = [column for column in values[0] if column not in table.columns]
    if missing:
        raise DatasetExecutionError(
            f"The table has no column {', '.join(map(repr, missing))}; it has: {', '.join(map(str, table.columns))}."
        )
    if name == "time":
        return _select_rows_in_period(table, *values)
    return table[values[0]] if name == "keep" else table.drop(columns=values[0])


def _select_rows_in_period(table: Any, columns: "list[str]", start: str, end: str, includes_bounds: bool) -> Any:
    """Return the rows with timestamps between two ISO 8601 times; an empty string stands for no bound."""
    pandas = import_pandas()
    for column in columns:
        times = _parse_times(pandas, table[column])
        for text, is_start in ((start, True), (end, False)):
            if not text:
                continue
            bound = _convert_to_time_zone(pandas.Timestamp(text), times.dt.tz)
            left, right = (times, bound) if is_start else (bound, times)
            is_chosen = left >= right if includes_bounds else left > right
            table, times = table[is_chosen], times[is_chosen]
    return table


def _parse_times(pandas: Any, column: Any) -> Any:
    """Return a column converted to timestamps, with NaT for values that are not times."""
    times = pandas.to_datetime(column, errors="coerce")
    is_missed = times.isna() & column.notna()
    if is_missed.any():  # pandas 2 expects the format of the first value in all others
        times = times.fillna(column[is_missed].map(lambda value: pandas.to_datetime(value, errors="coerce")))
    return times


def _convert_to_time_zone(time: Any, time_zone: Any) -> Any:
    """Return a time converted to the time zone of a column, or to UTC without a zone if the column has none."""
    if time_zone is None:
        return time if time.tzinfo is None else time.tz_convert("UTC").tz_localize(None)
    return time.tz_localize(time_zone) if time.tzinfo is None else time.tz_convert(time_zone)


def _convert_columns(pandas: Any, table: Any, column_types: "dict[str, dict[str, Any]]") -> Any:
    for column, kind in column_types.items():
        if column not in table.columns:
            raise DatasetExecutionError(
                f"The table has no column {column!r}; it has: {', '.join(map(str, table.columns))}."
            )
        try:
            table[column] = _CONVERSIONS[kind["type"]](pandas, table[column], kind)
        except (TypeError, ValueError) as error:
            raise DatasetExecutionError(f"Column {column!r} is not of type {kind['type']}: {error}", error) from error
    return table


def _convert_to_bool(pandas: Any, column: Any, type_options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a conversion
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return column.map(lambda value: words.get(str(value).strip().lower()))


def _convert_to_datetime(pandas: Any, column: Any, type_options: "dict[str, Any]") -> Any:
    formats = type_options.get("formats") or [None]
    found = pandas.to_datetime(column, format=formats[0], errors="coerce")
    for other in formats[1:]:
        found = found.fillna(pandas.to_datetime(column, format=other, errors="coerce"))
    return found


def _convert_to_float(pandas: Any, column: Any, type_options: "dict[str, Any]") -> Any:
    if type_options.get("decimal_mark") == "," and not pandas.api.types.is_numeric_dtype(column):
        column = column.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pandas.to_numeric(column, errors="coerce").astype("float64")


def _convert_to_integer(pandas: Any, column: Any, type_options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a conversion
    numbers = pandas.to_numeric(column, errors="coerce")
    return numbers if numbers.isna().any() else numbers.astype("int64")


def _convert_to_string(pandas: Any, column: Any, type_options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a conversion
    return column.where(column.isna(), column.astype(str))


_CONVERSIONS: "dict[str, Callable[[Any, Any, dict[str, Any]], Any]]" = {
    "bool": _convert_to_bool,
    "datetime": _convert_to_datetime,
    "float": _convert_to_float,
    "long": _convert_to_integer,
    "string": _convert_to_string,
}
