"""Reading of tables with the pandas package from the script's environment."""

import csv
import json
import random
import re
from importlib import import_module
from typing import Any, Callable, Iterable, Sequence

from azureml.data._column_kinds import (
    TEXT,
    ColumnKinds,
    FoundKinds,
    convert_to_kinds,
    find_common_kinds,
    find_kinds,
    infer_times,
)
from azureml.data._common_columns import (
    CommonColumn,
    apply_common_columns,
    extract_sample,
    find_common_columns,
    join_tables,
    list_kinds,
)
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


def read_table(files: "list[DataFile]", options: "dict[str, Any]", steps: "list[list[Any]]") -> Any:
    """Read all files of a table and apply the steps; return the rows as one data frame.

    Raises:
        UserErrorException: pandas or its engine for the format is not installed.
        DatasetExecutionError: A file is missing or invalid, or a column is missing or has the wrong type.
    """
    pandas = import_pandas()
    frames, kinds = _read_files(pandas, files, options)
    table = join_tables(pandas, [_convert_frame(pandas, frame, options, kinds) for frame in frames])
    return _select_rows(table, options, steps)


def read_table_file(
    file: DataFile, options: "dict[str, Any]", steps: "list[list[Any]]", columns: "Sequence[CommonColumn] | None"
) -> Any:
    """Read one file of a table and apply the steps; return its rows as they are in the whole table.

    `columns` are what `inspect_table` has found. Errors are those of `read_table`.
    """
    pandas = import_pandas()
    kinds = list_kinds(columns)
    frame = _read_file(pandas, file, _add_texts(options, kinds))
    table = _convert_frame(pandas, frame, options, kinds)
    return _select_rows(table if columns is None else apply_common_columns(pandas, table, columns), options, steps)


def inspect_table(
    files: "list[DataFile]", options: "dict[str, Any]", steps: "list[list[Any]]"
) -> "tuple[list[int], list[CommonColumn] | None]":
    """Return each file's row count after the steps, and the columns of the whole table if files alone have others.

    Only one file is in memory at a time. Errors are those of `read_table`.
    """
    pandas = import_pandas()
    counts, found, samples = [], [], []
    for file in files:
        frame = _read_file(pandas, file, options)
        counts.append(len(frame))
        if len(frame):
            found.append(_find_file_kinds(pandas, frame, options))
        samples.append(extract_sample(pandas, _convert_frame(pandas, frame, options, {})))
    if not files:
        return [], None
    columns = find_common_columns(pandas, samples, find_common_kinds(found))
    _select_rows(join_tables(pandas, samples), options, steps)  # tells of missing columns
    if any(step[0] == "time" for step in steps):
        counts = [len(read_table_file(file, options, steps, columns)) for file in files]
    return counts, columns


def _find_file_kinds(pandas: Any, frame: Any, options: "dict[str, Any]") -> FoundKinds:
    return find_kinds(pandas, frame, _list_known_columns(options)) if _infers_types(options) else {}


def _infers_types(options: "dict[str, Any]") -> bool:
    return bool(options["format"] == "delimited" and options["infer_column_types"])


def _add_texts(options: "dict[str, Any]", kinds: ColumnKinds) -> "dict[str, Any]":
    """Return the options with the names of columns that are text in the whole table."""
    return {**options, "texts": [name for name, kind in kinds.items() if kind == TEXT]}


def _read_files(pandas: Any, files: "list[DataFile]", options: "dict[str, Any]") -> "tuple[list[Any], ColumnKinds]":
    """Return a data frame for each file, and the kinds of the columns that some file alone would read as others."""
    if not files:
        raise DatasetExecutionError("The dataset has no file.")
    frames = _read_each_file(pandas, files, options)
    kinds = find_common_kinds([_find_file_kinds(pandas, frame, options) for frame in frames if len(frame)])
    if TEXT in kinds.values():  # in which 007 is still distinct from 7
        frames = _read_each_file(pandas, files, _add_texts(options, kinds))
    return frames, kinds


def _read_each_file(pandas: Any, files: "list[DataFile]", options: "dict[str, Any]") -> "list[Any]":
    """Return a data frame for each file; if only the first has a header, the others have its names."""
    first = _read_contents(pandas, files[0], options)
    if options.get("header") == "ONLY_FIRST_FILE_HAS_HEADERS":
        options = {**options, "names": list(first.columns)}
    frames = [_add_path_columns(first, files[0], options)]
    return frames + [_read_file(pandas, file, options) for file in files[1:]]


def _convert_frame(pandas: Any, frame: Any, options: "dict[str, Any]", kinds: ColumnKinds) -> Any:
    """Convert the columns of a file's data frame to their inferred and requested types, and return it."""
    table = convert_to_kinds(pandas, frame, kinds)
    if _infers_types(options):
        table = infer_times(pandas, table, [*_list_known_columns(options), *kinds])
    for column, kind in options["types"].items():
        if column not in table.columns:
            continue
        try:
            table[column] = _CONVERSIONS[kind["type"]](pandas, table[column], kind)
        except (TypeError, ValueError) as error:
            raise DatasetExecutionError(f"Column {column!r} is not of type {kind['type']}: {error}", error) from error
    return table


def _select_rows(table: Any, options: "dict[str, Any]", steps: "list[list[Any]]") -> Any:
    """Return the rows that remain after the steps.

    Raises:
        DatasetExecutionError: A column of a requested type or of a step is missing.
    """
    _require_columns(table, options["types"])
    for step in steps:
        table = _apply_step(table, step)
    return table.reset_index(drop=True)


def _require_columns(table: Any, names: "Iterable[str]") -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DatasetExecutionError(
            f"The table has no column {', '.join(map(repr, missing))}; it has: {', '.join(map(str, table.columns))}."
        )


def _read_file(pandas: Any, file: DataFile, options: "dict[str, Any]") -> Any:
    """Return a file as a data frame, with columns for partition values and the file's path if requested."""
    return _add_path_columns(_read_contents(pandas, file, options), file, options)


def _read_contents(pandas: Any, file: DataFile, options: "dict[str, Any]") -> Any:
    try:
        return _READERS[options["format"]](pandas, file.source, options)
    except ImportError as error:
        raise UserErrorException(
            f"Files of this format need a package more ({error}): 'pip install pyarrow' in this environment."
        ) from error
    except (OSError, ValueError) as error:  # ParserError and UnicodeDecodeError are ValueErrors
        raise DatasetExecutionError(f"{file.source} cannot be read: {error}", error) from error


def _add_path_columns(frame: Any, file: DataFile, options: "dict[str, Any]") -> Any:
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


def _read_delimited(pandas: Any, source: str, options: "dict[str, Any]") -> Any:
    has_header = options["header"] != "NO_HEADERS" and "names" not in options
    texts: list[Any] = [*options["types"], *options.get("texts", ())]
    if not has_header:
        texts = _find_positions(texts, options.get("names"))
    frame = pandas.read_csv(
        source,
        sep=options["separator"],
        header=0 if has_header else None,
        encoding=ENCODINGS[options["encoding"]],
        # Requested types are converted from strings, in which 007 is still distinct from 7.
        dtype=dict.fromkeys(texts, str) if options["infer_column_types"] else str,
        keep_default_na=not options["empty_as_string"],
    )
    if not has_header:
        names = options.get("names") or [f"{_COLUMN}{place + 1}" for place in range(len(frame.columns))]
        if len(frame.columns) > len(names):
            raise ValueError(f"it has {len(frame.columns)} columns, and the header of the first file {len(names)}")
        frame.columns = names[: len(frame.columns)]
    return frame


def _find_positions(columns: "list[str]", names: "list[str] | None") -> "list[int]":
    """Return the positions of columns in a file without a header, whose names are Column1, … if there are none."""
    if names is not None:
        return [place for place, name in enumerate(names) if name in columns]
    return [int(name[len(_COLUMN) :]) - 1 for name in columns if re.fullmatch(rf"{_COLUMN}\d+", name)]


def _read_parquet(pandas: Any, source: str, options: "dict[str, Any]") -> Any:  # noqa: ARG001 - a reader
    return pandas.read_parquet(source)


def _read_json_lines(pandas: Any, source: str, options: "dict[str, Any]") -> Any:
    """Read objects in lines, whose values keep their types of JSON: "007" stays text."""
    try:
        # pandas downloads and decompresses; U+0001 cannot be part of a line that is valid.
        lines = pandas.read_csv(
            source,
            sep="\x01",
            header=None,
            names=["line"],  # else the first line would say how many there are: none, if it is blank
            usecols=["line"],
            quoting=csv.QUOTE_NONE,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
            encoding=ENCODINGS[options["encoding"]],
        )["line"]
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame()
    except pandas.errors.ParserError as error:
        if "Too many columns specified" not in str(error):
            raise
        return pandas.DataFrame()  # all lines are blank
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows += _parse_json_line(line)
        except ValueError as error:
            if options["invalid_lines"] == "error":
                raise ValueError(f"line {number}: {error}") from error
    frame = pandas.DataFrame(rows)
    for name in options["types"]:
        if name in frame.columns:  # a number without a value beside it is still an integer
            frame[name] = pandas.Series([row.get(name) for row in rows], dtype=object)
    return frame


def _parse_json_line(line: str) -> "list[dict[str, Any]]":
    """Return a list with the line's object, empty for a blank line.

    Raises:
        ValueError: The line is not an object in JSON.
    """
    if not line.strip():
        return []
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"{line.strip()[:40]} is not an object in braces.")  # noqa: TRY004 - as of a line without JSON
    return [row]


_READERS: "dict[str, Callable[[Any, str, dict[str, Any]], Any]]" = {
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
    _require_columns(table, values[0])
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
