"""Datasets that are tables."""

import os
import tempfile
from typing import TYPE_CHECKING, Any

from azureml.data._tables import import_pandas, read_table
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.file_dataset import FileDataset

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["TabularDataset"]

_IN_PANDAS = "Call to_pandas_dataframe() and do it with pandas"


class TabularDataset(AbstractDataset):
    """The rows of delimited, Parquet or JSON lines files, read by pandas when they are asked for."""

    _kind = "tabular"

    @property
    def timestamp_columns(self) -> "tuple[str | None, str | None]":
        """The columns set by `with_timestamp_columns`: timestamp and partition timestamp."""
        options = self._definition["options"]
        return options.get("timestamp"), options.get("partition_timestamp")

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """Return all rows as a data frame, with the inferred or requested types.

        Raises:
            UserErrorException: This environment has no pandas, or not what it needs for Parquet.
            DatasetExecutionError: A file cannot be read as what it should be, or a column is not there.
        """
        import_pandas()
        return read_table(self._resolve_files().files, self._definition["options"], self._definition["steps"])

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """Write the rows to a delimited file in a temporary folder."""
        place = os.path.join(tempfile.mkdtemp(), "part-00000.csv")
        self.to_pandas_dataframe().to_csv(place, sep=separator, index=False)
        return _create_file_dataset(place)

    def to_parquet_files(self) -> FileDataset:
        """Write the rows to a Parquet file in a temporary folder."""
        place = os.path.join(tempfile.mkdtemp(), "part-00000.parquet")
        self.to_pandas_dataframe().to_parquet(place)
        return _create_file_dataset(place)

    def keep_columns(self, columns: "str | list[str]", validate: bool = False) -> "TabularDataset":
        """Return the table with only these columns."""
        return self._with_step(["keep", [columns] if isinstance(columns, str) else list(columns)])

    def drop_columns(self, columns: "str | list[str]") -> "TabularDataset":
        """Return the table without these columns."""
        return self._with_step(["drop", [columns] if isinstance(columns, str) else list(columns)])

    def with_timestamp_columns(
        self,
        timestamp: "str | None" = None,
        partition_timestamp: "str | None" = None,
        validate: bool = False,
        **kwargs: Any,
    ) -> "TabularDataset":
        """Return the table with its timestamp columns set."""
        options = {
            **self._definition["options"],
            "timestamp": timestamp or kwargs.get("fine_grain_timestamp"),
            "partition_timestamp": partition_timestamp or kwargs.get("coarse_grain_timestamp"),
        }
        return self._create({**self._definition, "options": options}, self._workspace)

    def time_after(self, start_time: "datetime", include_boundary: bool = True, validate: bool = True) -> Any:
        """Not supported: rows are chosen by time in the script."""
        raise self._create_refusal("time_after", _IN_PANDAS)

    def time_before(self, end_time: "datetime", include_boundary: bool = True, validate: bool = True) -> Any:
        """Not supported: rows are chosen by time in the script."""
        raise self._create_refusal("time_before", _IN_PANDAS)

    def time_between(
        self, start_time: "datetime", end_time: "datetime", include_boundary: bool = True, validate: bool = True
    ) -> Any:
        """Not supported: rows are chosen by time in the script."""
        raise self._create_refusal("time_between", _IN_PANDAS)

    def time_recent(self, time_delta: "timedelta", include_boundary: bool = True, validate: bool = True) -> Any:
        """Not supported: rows are chosen by time in the script."""
        raise self._create_refusal("time_recent", _IN_PANDAS)

    def to_dask_dataframe(
        self,
        sample_size: int = 10000,
        dtypes: object = None,
        on_error: str = "null",
        out_of_range_datetime: str = "null",
    ) -> Any:
        """Not supported: tables are read by pandas."""
        raise self._create_refusal("to_dask_dataframe", _IN_PANDAS)

    def to_spark_dataframe(self) -> Any:
        """Not supported: tables are read by pandas."""
        raise self._create_refusal("to_spark_dataframe", _IN_PANDAS)

    def partition_by(
        self,
        partition_keys: "list[str]",
        target: object,
        name: "str | None" = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> Any:
        """Not supported: a table is not cut up here."""
        raise self._create_refusal(
            "partition_by", "Write a file for each group with pandas, and make a dataset of the folder"
        )

    def download(
        self,
        stream_column: str,
        target_path: "str | None" = None,
        overwrite: bool = False,
        ignore_not_found: bool = True,
    ) -> Any:
        """Not supported: columns hold no files here."""
        raise self._create_refusal(
            "download", "Make a dataset of the files with Dataset.File.from_files and download that"
        )

    def mount(self, stream_column: str, mount_point: "str | None" = None) -> Any:
        """Not supported: columns hold no files here."""
        raise self._create_refusal("mount", "Make a dataset of the files with Dataset.File.from_files and mount that")

    def get_profile(self, workspace: object = None) -> Any:
        """Not supported: nothing is profiled here."""
        raise self._create_refusal("get_profile", "Call to_pandas_dataframe().describe()")

    def get_profile_runs(self, workspace: object = None) -> Any:
        """Not supported: nothing is profiled here."""
        raise self._create_refusal("get_profile_runs", "Call to_pandas_dataframe().describe()")

    def submit_profile_run(
        self, compute_target: object, experiment: object, cache_datastore_name: object = None
    ) -> Any:
        """Not supported: nothing is profiled here."""
        raise self._create_refusal("submit_profile_run", "Call to_pandas_dataframe().describe()")


def _create_file_dataset(place: str) -> FileDataset:
    return FileDataset._create({"kind": "file", "paths": [{"path": place}], "options": {}, "steps": []}, None)
