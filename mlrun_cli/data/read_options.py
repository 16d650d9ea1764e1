"""Options for reading a dataset's files as a table, in the form in which `azureml.core` writes them."""

from __future__ import annotations

from typing import Any

from mlrun_cli.errors import InvalidValue

DELIMITED, JSON_LINES, PARQUET = "delimited", "json_lines", "parquet"
HEADERS = ("ALL_FILES_HAVE_SAME_HEADERS", "NO_HEADERS", "ONLY_FIRST_FILE_HAS_HEADERS", "COMBINE_ALL_FILES_HEADERS")

_FORMATS = {".json": JSON_LINES, ".jsonl": JSON_LINES, ".parquet": PARQUET, ".tsv": DELIMITED}


def build_table_options(
    table_format: str,
    *,
    separator: str = ",",
    header: str = HEADERS[0],
    include_path: bool = False,
    infer_column_types: bool = True,
    encoding: str = "utf8",
) -> dict[str, Any]:
    """Return the options for reading tabular files of a format.

    Args:
        table_format: `delimited`, `json_lines` or `parquet`; options that do not apply to it are omitted.
        separator: the text between values.
        header: one of `HEADERS`.
        include_path: whether a column contains the path of each row's file.
        infer_column_types: whether to guess the types of columns; otherwise all are text.
        encoding: the encoding of the files.

    Raises:
        UsageError: the header is unknown, or the separator is empty.
    """
    common: dict[str, Any] = {"format": table_format, "include_path": include_path, "types": {}}
    if table_format == PARQUET:
        return common
    if table_format == JSON_LINES:
        return {**common, "invalid_lines": "error", "encoding": encoding}
    if header not in HEADERS:
        raise InvalidValue(f"'{header}' is not a kind of header.", hint=f"Use {', '.join(HEADERS)}.")
    if not separator:
        raise InvalidValue("The separator is empty.", hint="Use the character between values, such as ','.")
    return {
        **common,
        "separator": separator,
        "header": header,
        "infer_column_types": infer_column_types,
        "support_multi_line": False,
        "empty_as_string": False,
        "encoding": encoding,
    }


def guess_table_options(path: str) -> dict[str, Any]:
    """Return options for reading a file as a table, guessed from the suffix of the path."""
    suffix = f".{path.rpartition('.')[2].lower()}" if "." in path.rpartition("/")[2] else ""
    separator = "\t" if suffix == ".tsv" else ","
    return build_table_options(_FORMATS.get(suffix, DELIMITED), separator=separator)
