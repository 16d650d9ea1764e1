"""Step outputs as datasets."""

from copy import copy
from typing import Any, Dict, List, Optional, Tuple

from azureml.data.abstract_dataset import check_fraction, check_seed
from azureml.data.tabular_dataset import as_column_list
from azureml.pipeline.core.graph import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]


class DatasetRegistration:
    """The name under which a step output is registered as a dataset."""

    def __init__(self, name: "str | None" = None, create_new_version: "bool | None" = None) -> None:
        self.name = name
        self.create_new_version = create_new_version


class PipelineOutputAbstractDataset:
    """A step output as a dataset, to be declared as an output of one step and as a named input of others."""

    _mode = "mount"
    _registration: Optional[DatasetRegistration] = None
    _path_on_compute: "str | None" = None
    _table: "Dict[str, Any] | None" = None

    def __init__(self, pipeline_data: PipelineData) -> None:
        self._data = pipeline_data
        self._input_name: str | None = None

    @property
    def name(self) -> str:
        """The name of the output."""
        return self._data.name

    @property
    def input_name(self) -> str:
        """The name under which a step receives this dataset as an input, by default the output's name."""
        return self._input_name or self._data.name

    def register(self, name: str, create_new_version: bool = True) -> Any:
        """Have the output registered as a dataset whenever the step succeeds, and return this object."""
        self._registration = DatasetRegistration(name, create_new_version)
        return self

    def as_named_input(self, name: str) -> Any:
        """Return a copy with another input name."""
        named = copy(self)
        named._input_name = name
        return named

    def _copy_with_mode(self, mode: str, path_on_compute: "str | None" = None) -> Any:
        changed = copy(self)
        changed._mode, changed._path_on_compute = mode, path_on_compute
        return changed

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.input_name}"


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """A step output as a file dataset."""

    def as_direct(self) -> "PipelineOutputFileDataset":
        """Return a copy in direct mode: the script receives the dataset."""
        changed: PipelineOutputFileDataset = self._copy_with_mode("direct")
        return changed

    def as_mount(self, path_on_compute: "str | None" = None) -> "PipelineOutputFileDataset":
        """Return a copy in mount mode: the script reads the original files."""
        changed: PipelineOutputFileDataset = self._copy_with_mode("mount", path_on_compute)
        return changed

    def as_download(self, path_on_compute: "str | None" = None) -> "PipelineOutputFileDataset":
        """Return a copy in download mode: the script reads copies of the files."""
        changed: PipelineOutputFileDataset = self._copy_with_mode("download", path_on_compute)
        return changed

    def parse_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: Any = None,
        partition_format: "str | None" = None,
        file_extension: str = "",
        set_column_types: "Dict[str, Any] | None" = None,
        quoted_line_breaks: bool = False,
    ) -> "PipelineOutputTabularDataset":
        """Return a tabular dataset for the output's delimited files."""
        from azureml.data.dataset_factory import build_delimited_options
        from azureml.data.dataset_type_definitions import PromoteHeadersBehavior

        options = build_delimited_options(
            separator=separator,
            header=PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS if header is None else header,
            include_path=include_path,
            set_column_types=set_column_types,
            partition_format=partition_format,
            support_multi_line=quoted_line_breaks,
        )
        return PipelineOutputTabularDataset._create(self, options, file_extension)

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: "str | None" = None,
        file_extension: str = "",
        set_column_types: "Dict[str, Any] | None" = None,
    ) -> "PipelineOutputTabularDataset":
        """Return a tabular dataset for the output's Parquet files."""
        from azureml.data.dataset_factory import build_parquet_options

        options = build_parquet_options(include_path, set_column_types, partition_format)
        return PipelineOutputTabularDataset._create(self, options, file_extension)


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A step output as a table."""

    _mode = "direct"

    @classmethod
    def _create(
        cls, origin: PipelineOutputFileDataset, options: Dict[str, Any], file_extension: str
    ) -> "PipelineOutputTabularDataset":
        table = cls(origin._data)
        table._input_name = origin._input_name
        glob = f"**/*{file_extension}" if file_extension else None
        table._table = {"kind": "tabular", "options": options, "steps": [], "glob": glob}
        return table

    def keep_columns(self, columns: "str | List[str]") -> "PipelineOutputTabularDataset":
        """Return a copy with only these columns."""
        return self._with_transformation(["keep", as_column_list(columns)])

    def drop_columns(self, columns: "str | List[str]") -> "PipelineOutputTabularDataset":
        """Return a copy without these columns."""
        return self._with_transformation(["drop", as_column_list(columns)])

    def random_split(
        self, percentage: float, seed: "int | None" = None
    ) -> "Tuple[PipelineOutputTabularDataset, PipelineOutputTabularDataset]":
        """Return a random sample with about this fraction (0 to 1) of the rows, and the rest."""
        share, seed = check_fraction("percentage", percentage), check_seed(seed)
        return self._with_transformation(["part", seed, 0, share]), self._with_transformation(["part", seed, share, 1])

    def _with_transformation(self, step: List[Any]) -> "PipelineOutputTabularDataset":
        """Return a copy with another transformation to apply when the table is read."""
        changed = copy(self)
        table = self._table or {}
        changed._table = {**table, "steps": [*table["steps"], step]}
        return changed
