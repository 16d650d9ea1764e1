"""The functions that make datasets: `Dataset.File` and `Dataset.Tabular`."""

import os
from enum import Enum
from fnmatch import fnmatch
from typing import Any

from azureml._client.uploads import list_folder_files
from azureml._unsupported import create_refusal, make_refusing_call
from azureml.data._sources import Sources, parse_sources, request
from azureml.data._tables import ENCODINGS
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.datapath import DataPath
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset
from azureml.exceptions import UserErrorException

_NO_PARTITIONS = "Leave it out, and take the columns from the paths in the script"


class DataType:
    """The type that a column is to have; made by its functions."""

    def __init__(self, **kind: Any) -> None:
        self._kind = kind

    @staticmethod
    def to_bool() -> "DataType":
        """Return the type of booleans."""
        return DataType(type="bool")

    @staticmethod
    def to_datetime(formats: "str | list[str] | None" = None) -> "DataType":
        """Return the type of times, read by the first matching format of `strptime`."""
        return DataType(type="datetime", formats=[formats] if isinstance(formats, str) else formats)

    @staticmethod
    def to_float(decimal_mark: str = ".") -> "DataType":
        """Return the type of numbers with a decimal point, or a comma."""
        if decimal_mark not in {".", ","}:
            raise UserErrorException(f"The decimal mark is '.' or ',', not {decimal_mark!r}.")
        return DataType(type="float", decimal_mark=decimal_mark)

    @staticmethod
    def to_long() -> "DataType":
        """Return the type of whole numbers."""
        return DataType(type="long")

    @staticmethod
    def to_string() -> "DataType":
        """Return the type of texts, unchanged."""
        return DataType(type="string")

    to_stream = staticmethod(
        make_refusing_call("DataType.to_stream", "Make a dataset of the files with Dataset.File.from_files")
    )


class FileDatasetFactory:
    """Makes datasets of files."""

    @staticmethod
    def from_files(
        path: Any, validate: bool = True, partition_format: "str | None" = None, is_file: bool = False
    ) -> FileDataset:
        """Return a dataset of the files that paths, patterns and URLs lead to.

        Args:
            path: A file, a folder, a pattern such as `data/**/*.png` or a URL; a path of a datastore, as
                `(datastore, "path")`; or a list of these.
            validate: Look now whether there are files.
            partition_format: Columns from paths; refused.
            is_file: Accepted; it is looked at anyway.

        Raises:
            UserErrorException: A path is none.
            DatasetValidationError: A path leads to no file.
        """
        _refuse_partitions(partition_format)
        sources = parse_sources(path)
        definition = _build_definition("file", sources, {})
        if validate:
            _validate(definition, sources)
        return FileDataset._create(definition, sources.workspace)

    @staticmethod
    def upload_directory(
        src_dir: str, target: Any, pattern: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Copy a folder, or its files that match a pattern, to a datastore; return the dataset of the copies.

        Args:
            src_dir: The folder.
            target: A datastore, `(datastore, "path")` or a `DataPath`.
            pattern: Of paths below the folder, as in `*.csv`.
            overwrite: Replace files that are there; without it they stay.
            show_progress: Print how many were copied.

        Raises:
            UserErrorException: There is no such folder, or no file to copy.
        """
        datastore, path = _parse_target(target)
        names = [name for name in list_folder_files(src_dir) if pattern is None or fnmatch(name, pattern)]
        chosen = [os.path.join(src_dir, name) for name in names]
        if not chosen:
            raise UserErrorException(f"There is no file to upload in {os.path.abspath(src_dir)}.")
        datastore.upload_files(chosen, src_dir, path, overwrite, show_progress)
        return FileDatasetFactory.from_files((datastore, path or ""))


def _make_registering(to_pandas: str) -> Any:
    """Return a function that registers data frames of another package, converted by their method `to_pandas`."""

    def register(
        dataframe: Any,
        target: Any,
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        show_progress: bool = True,
    ) -> TabularDataset:
        """Register a data frame, as `register_pandas_dataframe` does."""
        converted = getattr(dataframe, to_pandas)()
        return TabularDatasetFactory.register_pandas_dataframe(
            converted, target, name, description, tags, show_progress
        )

    return staticmethod(register)


class TabularDatasetFactory:
    """Makes datasets that are tables."""

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
        """Return a table of delimited files, such as CSV.

        Args:
            path: As of `Dataset.File.from_files`.
            validate: Look now whether there are files.
            include_path: Add a column `Path` with the path of each row's file.
            infer_column_types: Let pandas find the types; else all are text.
            set_column_types: The types of columns by name.
            separator: Between values.
            header: Whether, or which, files begin with the names of the columns.
            partition_format: Columns from paths; refused.
            support_multi_line: Accepted: values in quotes may always hold line ends.
            empty_as_string: Leave empty values as empty text; else they are missing ones.
            encoding: `utf8`, `utf8bom`, `iso88591`, `latin1`, `ascii`, `utf16`, `utf32` or `windows1252`.

        Raises:
            UserErrorException: A path or an option is none.
            DatasetValidationError: A path leads to no file.
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
        """Return a table of Parquet files; reading it needs pyarrow. Arguments are those of `from_delimited_files`."""
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
        """Return a table of files with a JSON object on each line; `invalid_lines` is `error` or `drop`.

        Other arguments and errors as of `from_delimited_files`.
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
        make_refusing_call("Dataset.Tabular.from_sql_query", "Query the database in the script with pandas.read_sql")
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
        """Write a data frame to a datastore as a Parquet file, and register it as a new version of a table.

        Args:
            dataframe: The rows.
            target: A datastore, `(datastore, "path")` or a `DataPath`.
            name: What it is registered under.
            description: What is said of it.
            tags: Of what it is registered as.
            show_progress: Print where it was written.
            row_group_size: Rows in a group of the file.
            make_target_path_unique: Write into a new folder below the path.

        Raises:
            UserErrorException: pyarrow is not in this environment.
        """
        datastore, path = _parse_target(target)
        unique = os.urandom(16).hex() if make_target_path_unique else ""
        relative = "/".join(part for part in ((path or "").strip("/"), unique) if part)
        file = os.path.join(datastore._folder, datastore._normalize_path(relative), "part-00000.parquet")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        more = {} if row_group_size is None else {"row_group_size": row_group_size}
        try:
            dataframe.to_parquet(file, **more)
        except ImportError as error:
            raise UserErrorException(
                f"Data frames are kept as Parquet files, which need a package more ({error}): 'pip install pyarrow' "
                "in this environment."
            ) from error
        if show_progress:
            print(f"Wrote {len(dataframe)} rows to {file}.")
        table = TabularDatasetFactory.from_parquet_files((datastore, f"{relative}/part-00000.parquet".lstrip("/")))
        return table.register(datastore.workspace, name, description, tags, create_new_version=True)

    register_dask_dataframe = _make_registering("compute")
    register_spark_dataframe = _make_registering("toPandas")


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
    """Return the options of a table of delimited files, in the form of a definition.

    Raises:
        UserErrorException: One of them is none.
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
    """Return the options of a table of Parquet files; raises as `build_delimited_options` does."""
    return _build_common_options("parquet", include_path, set_column_types, partition_format)


def _build_common_options(
    file_format: str, include_path: bool, types: "dict[str, DataType] | None", partition_format: "str | None"
) -> "dict[str, Any]":
    _refuse_partitions(partition_format)
    for column, kind in (types or {}).items():
        if not isinstance(kind, DataType):
            raise UserErrorException(f"The type of column {column!r} is a DataType, not {kind!r}.")
    return {
        "format": file_format,
        "include_path": bool(include_path),
        "types": {column: kind._kind for column, kind in (types or {}).items()},
    }


def _create_table(path: Any, options: "dict[str, Any]", validate: bool) -> TabularDataset:
    sources = parse_sources(path)
    definition = _build_definition("tabular", sources, options)
    if validate:
        _validate(definition, sources)
    return TabularDataset._create(definition, sources.workspace)


def _build_definition(kind: str, sources: Sources, options: "dict[str, Any]") -> "dict[str, Any]":
    return {"kind": kind, "paths": sources.paths, "options": options, "steps": []}


def _validate(definition: "dict[str, Any]", sources: Sources) -> None:
    try:
        request(sources.workspace, "datasets.check", definition=definition)
    except UserErrorException as error:
        raise DatasetValidationError(error.message, error) from error


def _refuse_partitions(partition_format: "str | None") -> None:
    if partition_format is not None:
        raise create_refusal("partition_format", _NO_PARTITIONS)


def _check_encoding(encoding: Any) -> str:
    name = encoding.name if isinstance(encoding, Enum) else encoding
    if isinstance(name, str) and name.lower().replace("-", "") in ENCODINGS:
        return name.lower().replace("-", "")
    raise UserErrorException(f"The encoding is one of {', '.join(ENCODINGS)}, not {encoding!r}.")


def _parse_target(target: Any) -> "tuple[Any, str | None]":
    """Return a datastore that holds files, and a path in it.

    Raises:
        UserErrorException: It is none.
    """
    if isinstance(target, AbstractDatastore):
        return target, None
    if isinstance(target, DataPath) and target._datastore is not None:
        return target._datastore, target.path_on_datastore
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], AbstractDatastore):
        return target[0], target[1]
    raise UserErrorException(f"The target is a datastore, (datastore, 'path') or a DataPath, not {target!r}.")
