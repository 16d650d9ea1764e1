"""Lookup and creation of the datasets of a workspace."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, List

from azureml._unsupported import create_unsupported_call
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azureml.data.dataset_type_definitions import (
    FileEncoding,
    HistogramCompareMethod,
    PromoteHeadersBehavior,
    SkipLinesBehavior,
)
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

__all__ = ["Dataset", "FileEncoding", "HistogramCompareMethod", "PromoteHeadersBehavior", "SkipLinesBehavior"]

_OF_2019 = "It belongs to the datasets of 2019: make one with Dataset.Tabular.from_delimited_files or Dataset.File"


class Dataset:
    """The entry point for finding and creating datasets, for example with `Dataset.File.from_files`."""

    File = FileDatasetFactory
    Tabular = TabularDatasetFactory

    class Scenario:
        """The purposes of datasets that `Model.register(datasets=…)` accepts."""

        TRAINING = "training"
        VALIDATION = "validation"
        INFERENCING = "inferencing"

    def __init__(
        self, definition: object, workspace: object = None, name: "str | None" = None, id: "str | None" = None
    ) -> None:
        """Raise UserErrorException; datasets are created with `Dataset.File` and `Dataset.Tabular`."""
        raise UserErrorException(f"Dataset(…) makes no dataset. {_OF_2019}.")

    @classmethod
    def get_by_name(cls, workspace: "Workspace", name: str, version: "int | str" = "latest", **kwargs: Any) -> Any:
        """Return the dataset registered under a name, by default in its latest version.

        Raises:
            UserErrorException: There is no such dataset or version.
        """
        wanted = None if version in {None, "latest"} else _parse_version(version)
        return _create_dataset(workspace, workspace._request("datasets.get", name=name, version=wanted))

    @classmethod
    def get_by_id(cls, workspace: "Workspace", id: str, **kwargs: Any) -> Any:
        """Return the dataset with this id, whether or not it is registered.

        Raises:
            UserErrorException: There is no dataset with this id.
        """
        return _create_dataset(workspace, workspace._request("datasets.get_by_id", dataset_id=id))

    @classmethod
    def get_all(cls, workspace: "Workspace") -> "dict[str, Any]":
        """Return the latest version of each registered dataset, keyed by name."""
        return {record["name"]: _create_dataset(workspace, record) for record in workspace._request("datasets.list")}

    @staticmethod
    def get(workspace: "Workspace", name: "str | None" = None, id: "str | None" = None) -> Any:
        """Return the dataset with a name or id; older alias of `get_by_name` and `get_by_id`."""
        if id is not None:
            return Dataset.get_by_id(workspace, id)
        if name is None:
            raise UserErrorException("Dataset.get needs the name or the id of a dataset.")
        return Dataset.get_by_name(workspace, name)

    @staticmethod
    def list(workspace: "Workspace") -> Any:
        """Return a list of the latest versions of all registered datasets; superseded by `get_all`."""
        return [*Dataset.get_all(workspace).values()]

    auto_read_files = staticmethod(create_unsupported_call("Dataset.auto_read_files", _OF_2019))
    from_binary_files = staticmethod(create_unsupported_call("Dataset.from_binary_files", _OF_2019))
    from_delimited_files = staticmethod(create_unsupported_call("Dataset.from_delimited_files", _OF_2019))
    from_excel_files = staticmethod(create_unsupported_call("Dataset.from_excel_files", _OF_2019))
    from_json_files = staticmethod(create_unsupported_call("Dataset.from_json_files", _OF_2019))
    from_pandas_dataframe = staticmethod(create_unsupported_call("Dataset.from_pandas_dataframe", _OF_2019))
    from_parquet_files = staticmethod(create_unsupported_call("Dataset.from_parquet_files", _OF_2019))
    from_sql_query = staticmethod(create_unsupported_call("Dataset.from_sql_query", _OF_2019))


class _Inputs(Dict[str, Any]):
    """A mapping of names to the inputs or outputs of a run, whose KeyErrors list the existing names."""

    def __missing__(self, name: str) -> Any:
        there_are = f"There are: {', '.join(self)}." if self else "It has none."
        raise KeyError(f"The run has no input {name!r}. {there_are}")


def get_input_datasets(run: "Run") -> "dict[str, Any]":
    """Return a run's inputs, keyed by name, as paths for mounts and downloads, and as datasets for all others.

    Calls with the same `Run` return the same dict, as in Azure, and scripts may add to it.
    """
    attributes = vars(run)
    if "_input_datasets" not in attributes:
        attributes["_input_datasets"] = _read_input_datasets(run)
    inputs: dict[str, Any] = attributes["_input_datasets"]
    return inputs


def _read_input_datasets(run: "Run") -> "dict[str, Any]":
    workspace = run.experiment.workspace
    given = workspace._request("datasets.inputs", run_id=run.id)
    return _Inputs(
        (name, item if isinstance(item, str) else _create_dataset(workspace, item)) for name, item in given.items()
    )


def get_output_datasets(run: "Run") -> "dict[str, Any]":
    """Return the output paths of a run's script, keyed by output name; calls with one `Run` return the same dict."""
    attributes = vars(run)
    if "_output_datasets" not in attributes:
        attributes["_output_datasets"] = _Inputs(run.experiment.workspace._request("datasets.outputs", run_id=run.id))
    outputs: dict[str, Any] = attributes["_output_datasets"]
    return outputs


def replace_dataset_ids(workspace: "Workspace", inputs: "List[Dict[str, Any]]") -> None:
    """Replace the dataset ids in the inputs of run details, in place, with datasets; ids of deleted datasets remain."""
    for entry in inputs:
        dataset_id = entry["dataset"].get("id")
        if dataset_id is not None:
            with suppress(UserErrorException):  # the dataset was deleted
                entry["dataset"] = Dataset.get_by_id(workspace, dataset_id)


def _create_dataset(workspace: "Workspace", record: "dict[str, Any]") -> AbstractDataset:
    kind = FileDataset if record["definition"]["kind"] == "file" else TabularDataset
    return kind._create(record["definition"], workspace, record)


def _parse_version(version: Any) -> int:
    if isinstance(version, int) or (isinstance(version, str) and version.isdecimal()):
        return int(version)
    raise UserErrorException(f"The version of a dataset is a number or 'latest', not {version!r}.")
