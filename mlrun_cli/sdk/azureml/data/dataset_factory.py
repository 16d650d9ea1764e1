"""Functions that create datasets, available as `Dataset.File` and `Dataset.Tabular`."""

import os
from enum import Enum
from fnmatch import fnmatch
from typing import Any

from azureml._client.uploads import list_folder_files
from azureml._unsupported import create_unsupported_call
from azureml.data._partitions import PartitionFormat
from azureml.data._sources import Sources, parse_sources, send_request
from azureml.data._tables import ENCODINGS
from azureml.data._targets import choose_folder, parse_target, write_parquet_file
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset
from azureml.exceptions import UserErrorException


class DataType:
    """A column type for reading a table, created by one of the static methods."""

    def __init__(self, **kind: Any) -> None:
        self._kind = kind

    @staticmethod
    def to_bool() -> "DataType":
        """Return the boolean column type."""
        return DataType(type="bool")

    @staticmethod
    def to_datetime(formats: "str | list[str] | None" = None) -> "DataType":
        """Return the datetime column type, which parses values with the first matching `strptime` format."""
        return DataType(type="datetime", formats=[formats] if isinstance(formats, str) else formats)

    @staticmethod
    def to_float(decimal_mark: str = ".") -> "DataType":
        """Return the float column type, with a point or comma as decimal mark."""
        if decimal_mark not in {".", ","}:
            raise UserErrorException(f"The decimal mark is '.' or ',', not {decimal_mark!r}.")
        return DataType(type="float", decimal_mark=decimal_mark)

    @staticmethod
    def to_long() -> "DataType":
        """Return the integer column type."""
        return DataType(type="long")

    @staticmethod
    def to_string() -> "DataType":
        """Return the string column type."""
        return DataType(type="string")

    to_stream = staticmethod(
        create_unsupported_call("DataType.to_stream", "Make a dataset of the files with Dataset.File.from_files")
    )


class FileDatasetFactory:
    """Functions that create file datasets."""

    @staticmethod
    def from_files(
        path: Any, validate: bool = True, partition_format: "str | None" = None, is_file: bool = False
    ) -> FileDataset:
        """Return a dataset of the files at the given paths, patterns or URLs.

        Args:
            path: A file, a folder, a pattern such as `data/**/*.png` or a URL; a path of a datastore, as
                `(datastore, "path")`; or a list of these.
            validate: Whether to check now that the files exist.
            partition_format: Which parts of the paths are columns, such as `/{city}/{day:yyyy/MM/dd}/data.csv`.
            is_file: Accepted and ignored; the kind of path is detected.

        Raises:
            UserErrorException: A path has an unsupported type or URL scheme.
            DatasetValidationError: A path matches no file.
        """
        sources = parse_sources(path)
        definition = _build_definition("file", sources, _build_partition_option(partition_format))
        if validate:
            _check_paths_have_files(definition, sources)
        return FileDataset._create(definition, sources.workspace)

    @staticmethod
    def upload_directory(
        src_dir: str, target: Any, pattern: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Copy the files in a folder, optionally those that match a pattern, to a datastore; return a dataset of them.

        Args:
            src_dir: The folder to copy.
            target: A datastore, `(datastore, "path")` or a `DataPath`.
            pattern: A glob pattern for paths relative to the folder, such as `*.csv`.
            overwrite: Whether to replace existing files, which are otherwise skipped.
            show_progress: Whether to print the number of copied files.

        Raises:
            UserErrorException: The folder does not exist, or it has no matching file.
        """
        datastore, path = parse_target(target)
        names = [name for name in list_folder_files(src_dir) if pattern is None or fnmatch(name, pattern)]
        chosen = [os.path.join(src_dir, name) for name in names]
        if not chosen:
            raise UserErrorException(f"There is no file to upload in {os.path.abspath(src_dir)}.")
        datastore.upload_files(chosen, src_dir, path, overwrite, show_progress)
        return FileDatasetFactory.from_files((datastore, path or ""))


def _create_register_method(conversion_method: str) -> Any:
    """Return a static method that registers another package's data frames, converted by their `conversion_method`."""

    def register(
        dataframe: Any,
        target: Any,
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        show_progress: bool = True,
    ) -> TabularDataset:
        """Convert a data frame to pandas and register it with `register_pandas_dataframe`."""
        converted = getattr(dataframe, conversion_method)()
        return TabularDatasetFactory.register_pandas_dataframe(
            converted, target, name, description, tags, show_progress
        )

    return staticmethod(register)


class TabularDatasetFactory:
    """Functions that create tabular datasets."""

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: "dict[str, DataType] | None" = None,
        separator: str = ",",
        header: "bool | PromoteHeadersBehavior" = True,
        partition_format: "str | None" = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Return a tabular dataset of delimited files, such as CSV.

        Args:
            path: The same values as for `Dataset.File.from_files`.
            validate: Whether to check now that the files exist.
            include_path: Whether to add a column `Path` with the path of each row's file.
            infer_column_types: Whether numbers, truth values and ISO 8601 times are recognized; if False, all is text.
            set_column_types: Column types, keyed by column name.
            separator: The separator between values.
            header: Whether all, none or which of the files start with column names.
            partition_format: Which parts of the paths are columns, such as `/{city}/{day:yyyy/MM/dd}/data.csv`.
            support_multi_line: Accepted and ignored; quoted values may always contain line breaks.
            empty_as_string: Whether empty values are empty strings rather than missing values.
            encoding: `utf8`, `utf8bom`, `iso88591`, `latin1`, `ascii`, `utf16`, `utf32` or `windows1252`.

        Raises:
            UserErrorException: A path or an option is invalid.
            DatasetValidationError: A path matches no file.
        """
        options = build_delimited_options(
            separator=separator,
            header=header,
            include_path=include_path,
            set_column_types=set_column_types,
            partition_format=partition_format,
            infer_column_types=infer_column_types,
            support_multi_line=support_multi_line,
            empty_as_string=empty_as_string,
            encoding=encoding,
        )
        return _create_table(path, options, validate)

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: "dict[str, DataType] | None" = None,
        partition_format: "str | None" = None,
    ) -> TabularDataset:
        """Return a tabular dataset of Parquet files; see `from_delimited_files` for the arguments."""
        return _create_table(path, build_parquet_options(include_path, set_column_types, partition_format), validate)

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: "dict[str, DataType] | None" = None,
        partition_format: "str | None" = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Return a tabular dataset of JSON lines files; `invalid_lines` is `error` or `drop`.

        Other arguments and errors are the same as for `from_delimited_files`.
        """
        if invalid_lines not in {"error", "drop"}:
            raise UserErrorException(f"invalid_lines is 'error' or 'drop', not {invalid_lines!r}.")
        options = {
            **_build_common_options("json_lines", include_path, set_column_types, partition_format),
            "invalid_lines": invalid_lines,
            "encoding": _check_encoding(encoding),
        }
        return _create_table(path, options, validate)

    from_sql_query = staticmethod(
        create_unsupported_call(
            "Dataset.Tabular.from_sql_query", "Query the database in the script with pandas.read_sql"
        )
    )

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        show_progress: bool = True,
        row_group_size: "int | None" = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Write a data frame to a Parquet file in a datastore and register it as a tabular dataset.

        Args:
            dataframe: The pandas data frame.
            target: A datastore, `(datastore, "path")` or a `DataPath`.
            name: The name of the dataset.
            description: The description of the dataset.
            tags: The tags of the dataset.
            show_progress: Whether to print the number of rows and the path of the file.
            row_group_size: The number of rows per row group of the file.
            make_target_path_unique: Whether to write to a new folder below the target path.

        Raises:
            UserErrorException: pyarrow is not installed in this environment.
        """
        datastore, folder = choose_folder(target, make_target_path_unique)
        path = f"{folder}/part-00000.parquet".lstrip("/")
        more = {} if row_group_size is None else {"row_group_size": row_group_size}
        file = write_parquet_file(dataframe, datastore, path, **more)
        if show_progress:
            print(f"Wrote {len(dataframe)} rows to {file}.")
        table = TabularDatasetFactory.from_parquet_files((datastore, path))
        return table.register(datastore.workspace, name, description, tags, create_new_version=True)

    register_dask_dataframe = _create_register_method("compute")
    register_spark_dataframe = _create_register_method("toPandas")


def build_delimited_options(
    *,
    separator: str,
    header: Any,
    include_path: bool,
    set_column_types: "dict[str, DataType] | None",
    partition_format: "str | None",
    infer_column_types: bool = True,
    support_multi_line: bool = False,
    empty_as_string: bool = False,
    encoding: Any = "utf8",
) -> "dict[str, Any]":
    """Return the options for delimited files in the format of a dataset definition.

    Raises:
        UserErrorException: An option is invalid.
    """
    behaviors = {True: PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS, False: PromoteHeadersBehavior.NO_HEADERS}
    behavior = header if isinstance(header, PromoteHeadersBehavior) else behaviors.get(header)
    if behavior is None:
        raise UserErrorException(f"header is True, False or a PromoteHeadersBehavior, not {header!r}.")
    if not isinstance(separator, str) or not separator:
        raise UserErrorException(f"The separator is a text, not {separator!r}.")
    return {
        **_build_common_options("delimited", include_path, set_column_types, partition_format),
        "separator": separator,
        "header": behavior.name,
        "infer_column_types": bool(infer_column_types),
        "support_multi_line": bool(support_multi_line),
        "empty_as_string": bool(empty_as_string),
        "encoding": _check_encoding(encoding),
    }


def build_parquet_options(
    include_path: bool, set_column_types: "dict[str, DataType] | None", partition_format: "str | None"
) -> "dict[str, Any]":
    """Return the options for Parquet files in the format of a dataset definition."""
    return _build_common_options("parquet", include_path, set_column_types, partition_format)


def _build_common_options(
    file_format: str, include_path: bool, types: "dict[str, DataType] | None", partition_format: "str | None"
) -> "dict[str, Any]":
    for column, kind in (types or {}).items():
        if not isinstance(kind, DataType):
            raise UserErrorException(f"The type of column {column!r} is a DataType, not {kind!r}.")
    return {
        "format": file_format,
        "include_path": bool(include_path),
        **_build_partition_option(partition_format),
        "types": {column: kind._kind for column, kind in (types or {}).items()},
    }


def _create_table(path: Any, options: "dict[str, Any]", validate: bool) -> TabularDataset:
    sources = parse_sources(path)
    definition = _build_definition("tabular", sources, options)
    if validate:
        _check_paths_have_files(definition, sources)
    return TabularDataset._create(definition, sources.workspace)


def _build_definition(kind: str, sources: Sources, options: "dict[str, Any]") -> "dict[str, Any]":
    return {"kind": kind, "paths": sources.paths, "options": options, "steps": []}


def _check_paths_have_files(definition: "dict[str, Any]", sources: Sources) -> None:
    try:
        send_request(sources.workspace, "datasets.check", definition=definition)
    except UserErrorException as error:
        raise DatasetValidationError(error.message, error) from error


def _build_partition_option(partition_format: "str | None") -> "dict[str, str]":
    """Validate a partition format and return it as a dict with one option; the dict is empty for None."""
    if partition_format is None:
        return {}
    PartitionFormat(partition_format)
    return {"partition_format": partition_format}


def _check_encoding(encoding: Any) -> str:
    name = encoding.name if isinstance(encoding, Enum) else encoding
    if isinstance(name, str) and name.lower().replace("-", "") in ENCODINGS:
        return name.lower().replace("-", "")
    raise UserErrorException(f"The encoding is one of {', '.join(ENCODINGS)}, not {encoding!r}.")
