"""Tabular datasets."""

import os
import tempfile
from typing import TYPE_CHECKING, Any, Callable

from azureml.data._sources import parse_sources
from azureml.data._tables import import_pandas, read_table
from azureml.data._targets import write_partitions
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.file_dataset import FileDataset
from azureml.exceptions import DatasetTimestampMissingError, UserErrorException

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["TabularDataset"]

_IN_PANDAS = "Call to_pandas_dataframe() and do it with pandas"


class TabularDataset(AbstractDataset):
    """A table in delimited, Parquet or JSON lines files, which is read on demand with pandas."""

    _kind = "tabular"

    @property
    def timestamp_columns(self) -> "tuple[str | None, str | None]":
        """The timestamp and partition timestamp columns set by `with_timestamp_columns`, None for unset ones."""
        options = self._definition["options"]
        return options.get("timestamp"), options.get("partition_timestamp")

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """Return all rows as a pandas data frame with the inferred or requested column types.

        Raises:
            UserErrorException: pandas, or a package that it needs for Parquet, is not installed.
            DatasetExecutionError: A file is missing or invalid, or a column is missing or has the wrong type.
        """
        import_pandas()
        return read_table(self._list_files().files, self._definition["options"], self._definition["steps"])

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """Write the rows to a delimited file in a temporary folder and return a dataset of that file."""
        place = os.path.join(tempfile.mkdtemp(), "part-00000.csv")
        self.to_pandas_dataframe().to_csv(place, sep=separator, index=False)
        return _create_file_dataset(place)

    def to_parquet_files(self) -> FileDataset:
        """Write the rows to a Parquet file in a temporary folder and return a dataset of that file."""
        place = os.path.join(tempfile.mkdtemp(), "part-00000.parquet")
        self.to_pandas_dataframe().to_parquet(place)
        return _create_file_dataset(place)

    def keep_columns(self, columns: "str | list[str]", validate: bool = False) -> "TabularDataset":
        """Return a dataset with only these columns."""
        kept = as_column_list(columns)
        return self._select_columns(["keep", kept], lambda column: column in kept)

    def drop_columns(self, columns: "str | list[str]") -> "TabularDataset":
        """Return a dataset without these columns."""
        dropped = as_column_list(columns)
        return self._select_columns(["drop", dropped], lambda column: column not in dropped)

    def with_timestamp_columns(
        self,
        timestamp: "str | None" = None,
        partition_timestamp: "str | None" = None,
        validate: bool = False,
        **kwargs: Any,
    ) -> "TabularDataset":
        """Return a dataset with the given columns marked as timestamps.

        Raises:
            UserErrorException: There is a partition timestamp without a timestamp, or both are the same column.
        """
        timestamp = timestamp or kwargs.get("fine_grain_timestamp")
        partition_timestamp = partition_timestamp or kwargs.get("coarse_grain_timestamp")
        if partition_timestamp is not None and timestamp in {None, partition_timestamp}:
            raise UserErrorException("A partition_timestamp needs a timestamp, which is another column.")
        options = {
            **self._definition["options"],
            "timestamp": timestamp,
            "partition_timestamp": partition_timestamp,
        }
        return self._create({**self._definition, "options": options}, self._workspace)

    def time_after(
        self, start_time: "datetime", include_boundary: bool = True, validate: bool = True
    ) -> "TabularDataset":
        """Return a dataset of the rows with timestamps after a time.

        Raises:
            DatasetTimestampMissingError: The dataset has no timestamp column.
        """
        return self._select_rows_in_period("time_after", start_time, None, include_boundary)

    def time_before(
        self, end_time: "datetime", include_boundary: bool = True, validate: bool = True
    ) -> "TabularDataset":
        """Return a dataset of the rows with timestamps before a time; errors as in `time_after`."""
        return self._select_rows_in_period("time_before", None, end_time, include_boundary)

    def time_between(
        self, start_time: "datetime", end_time: "datetime", include_boundary: bool = True, validate: bool = True
    ) -> "TabularDataset":
        """Return a dataset of the rows with timestamps between two times; errors as in `time_after`."""
        return self._select_rows_in_period("time_between", start_time, end_time, include_boundary)

    def time_recent(
        self, time_delta: "timedelta", include_boundary: bool = True, validate: bool = True
    ) -> "TabularDataset":
        """Return a dataset of the rows with timestamps less than `time_delta` ago; errors as in `time_after`."""
        from datetime import datetime

        now = datetime.now()
        return self._select_rows_in_period("time_recent", now - time_delta, now, include_boundary)

    def _select_rows_in_period(
        self, call: str, start: "datetime | None", end: "datetime | None", includes_bounds: bool
    ) -> "TabularDataset":
        columns = [column for column in self.timestamp_columns if column is not None]
        if not columns:
            raise DatasetTimestampMissingError(
                f"{call} needs a timestamp column, and the dataset has none: with_timestamp_columns(timestamp) sets it."
            )
        texts = ["" if time is None else time.isoformat() for time in (start, end)]
        return self._with_transformation(["time", columns, *texts, bool(includes_bounds)])

    def _select_columns(self, step: "list[Any]", is_kept: "Callable[[str], bool]") -> "TabularDataset":
        """Return a dataset with a step that selects columns; dropped timestamp columns are no longer marked as such."""
        changed = self._with_transformation(step)
        timestamp, partition = self.timestamp_columns
        if timestamp is not None and not is_kept(timestamp):
            return changed.with_timestamp_columns(None)
        return changed if partition is None or is_kept(partition) else changed.with_timestamp_columns(timestamp)

    def to_dask_dataframe(
        self,
        sample_size: int = 10000,
        dtypes: object = None,
        on_error: str = "null",
        out_of_range_datetime: str = "null",
    ) -> Any:
        """Raise UserErrorException, since tables can only be read with pandas."""
        raise self._create_unsupported_error("to_dask_dataframe", _IN_PANDAS)

    def to_spark_dataframe(self) -> Any:
        """Raise UserErrorException, since tables can only be read with pandas."""
        raise self._create_unsupported_error("to_spark_dataframe", _IN_PANDAS)

    def partition_by(
        self,
        partition_keys: "list[str]",
        target: object,
        name: "str | None" = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> "TabularDataset | FileDataset":
        """Write the rows to a Parquet file for each combination of the keys' values, and return a dataset of the files.

        Its partition keys are these columns, which the files keep with their types. In the names of their folders,
        values are percent-encoded.

        Args:
            partition_keys: The columns.
            target: A datastore, `(datastore, "path")` or a `DataPath`; the files are put into a new folder there.
            name: The name to register the dataset by, as a new version if there is one; None does not register it.
            show_progress: Whether to print where the files are.
            partition_as_file_dataset: Whether to return a dataset of the files instead of a table.

        Raises:
            UserErrorException: The table lacks a column, or pandas or pyarrow is not installed.
            DatasetExecutionError: As of `to_pandas_dataframe`.
        """
        keys = as_column_list(partition_keys)
        datastore, folder, partition = write_partitions(self.to_pandas_dataframe(), keys, target)
        if show_progress:
            print(f"Wrote the partitions to {folder} on the datastore {datastore.name}.")
        sources = parse_sources((datastore, f"{folder}/**"))
        files = {"paths": sources.paths, "steps": []}
        dataset: TabularDataset | FileDataset
        if partition_as_file_dataset:
            dataset = FileDataset._create({**files, "kind": "file", "options": partition}, sources.workspace)
        else:
            options = {"format": "parquet", "include_path": False, "types": {}, **partition}
            dataset = TabularDataset._create({**files, "kind": "tabular", "options": options}, sources.workspace)
        return dataset if name is None else dataset.register(datastore.workspace, name, create_new_version=True)

    def download(
        self,
        stream_column: str,
        target_path: "str | None" = None,
        overwrite: bool = False,
        ignore_not_found: bool = True,
    ) -> Any:
        """Raise UserErrorException, since columns cannot contain files."""
        raise self._create_unsupported_error(
            "download", "Make a dataset of the files with Dataset.File.from_files and download that"
        )

    def mount(self, stream_column: str, mount_point: "str | None" = None) -> Any:
        """Raise UserErrorException, since columns cannot contain files."""
        raise self._create_unsupported_error(
            "mount", "Make a dataset of the files with Dataset.File.from_files and mount that"
        )

    def get_profile(self, workspace: object = None) -> Any:
        """Raise UserErrorException, since profiling is not supported."""
        raise self._create_unsupported_error("get_profile", "Call to_pandas_dataframe().describe()")

    def get_profile_runs(self, workspace: object = None) -> Any:
        """Raise UserErrorException, since profiling is not supported."""
        raise self._create_unsupported_error("get_profile_runs", "Call to_pandas_dataframe().describe()")

    def submit_profile_run(
        self, compute_target: object, experiment: object, cache_datastore_name: object = None
    ) -> Any:
        """Raise UserErrorException, since profiling is not supported."""
        raise self._create_unsupported_error("submit_profile_run", "Call to_pandas_dataframe().describe()")


def as_column_list(columns: "str | list[str]") -> "list[str]":
    """Return column names as a list; a single name may be given as a string."""
    return [columns] if isinstance(columns, str) else list(columns)


def _create_file_dataset(folder: str) -> FileDataset:
    return FileDataset._create({"kind": "file", "paths": [{"path": folder}], "options": {}, "steps": []}, None)
