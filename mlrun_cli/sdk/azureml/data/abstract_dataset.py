"""The base class of file and tabular datasets."""

import json
import os
import random
from typing import TYPE_CHECKING, Any, TypeVar

from azureml._unsupported import create_unsupported_error
from azureml.data._partitions import PartitionFormat, list_partition_values
from azureml.data._sources import DataFiles, list_files
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

_Dataset = TypeVar("_Dataset", bound="AbstractDataset")


class AbstractDataset:
    """A definition of data: paths and selection steps, which are evaluated when the data is used."""

    _kind = ""
    _definition: "dict[str, Any]"
    _workspace: "Workspace | None"
    _record: "dict[str, Any] | None"
    _input: "DatasetConsumptionConfig | None" = None

    def __init__(self) -> None:
        """Raise UserErrorException; datasets are created with `Dataset.File` and `Dataset.Tabular`."""
        raise UserErrorException(
            f"{type(self).__name__} is not made by a call: Dataset.File.from_files(path), "
            "Dataset.Tabular.from_delimited_files(path) and Dataset.get_by_name(workspace, name) make datasets."
        )

    @classmethod
    def _create(
        cls: "type[_Dataset]",
        definition: "dict[str, Any]",
        workspace: "Workspace | None",
        record: "dict[str, Any] | None" = None,
    ) -> _Dataset:
        """Return a dataset with this definition and, if the dataset is saved, its record."""
        dataset = cls.__new__(cls)
        dataset._definition = definition
        dataset._workspace = workspace
        dataset._record = record
        return dataset

    # Lookup

    @staticmethod
    def get_by_name(workspace: "Workspace", name: str, version: "int | str" = "latest", **kwargs: Any) -> Any:
        """Return a version of the dataset registered under a name; alias of `Dataset.get_by_name`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_by_name(workspace, name, version, **kwargs)

    @staticmethod
    def get_by_id(workspace: "Workspace", id: str, **kwargs: Any) -> Any:
        """Return the dataset with this id; alias of `Dataset.get_by_id`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_by_id(workspace, id, **kwargs)

    @staticmethod
    def get_all(workspace: "Workspace") -> "dict[str, Any]":
        """Return all registered datasets keyed by name; alias of `Dataset.get_all`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_all(workspace)

    # Identity

    @property
    def _dataflow(self) -> Any:
        raise create_unsupported_error(
            f"{type(self).__name__}._dataflow",
            "The dataset's own calls read its data, such as to_pandas_dataframe() of a table and to_path(), "
            "download(…) and mount(…) of files",
        )

    @property
    def id(self) -> "str | None":
        """The dataset's id, or None without a workspace; an unsaved dataset is saved first."""
        if self._record is None and self._workspace is not None:
            self._record = self._workspace._request("datasets.save", definition=self._definition)
        return None if self._record is None else str(self._record["id"])

    def _save_if_unsaved(self, workspace: "Workspace") -> None:
        """Save the dataset in a workspace unless it has an id."""
        if self.id is None:
            self._workspace = workspace
            self._record = workspace._request("datasets.save", definition=self._definition)

    @property
    def name(self) -> "str | None":
        """The name under which the dataset is registered, or None if it is not registered."""
        name: str | None = self._get_registered_field("name")
        return name

    @property
    def version(self) -> "int | None":
        """The dataset's registered version, starting at 1, or None if it is not registered."""
        version: int | None = self._get_registered_field("version")
        return version

    @property
    def description(self) -> "str | None":
        """The dataset's description, or None if it has none or is not registered."""
        description: str | None = self._get_registered_field("description")
        return description

    @property
    def tags(self) -> "dict[str, str] | None":
        """The dataset's tags, or None if it is not registered."""
        tags: dict[str, str] | None = self._get_registered_field("tags")
        return None if tags is None else dict(tags)

    @property
    def data_changed_time(self) -> Any:
        """The UTC time of the last change to any of the files, or None if a file is remote or there are none."""
        from datetime import datetime, timezone

        sources = [file.source for file in self._list_files().files]
        if not sources or not all(map(os.path.exists, sources)):
            return None
        return datetime.fromtimestamp(max(map(os.path.getmtime, sources)), timezone.utc)

    @property
    def partition_keys(self) -> "list[str]":
        """The columns of the dataset's partition format; empty if it has no partition format."""
        text = self._definition["options"].get("partition_format")
        return [] if text is None else PartitionFormat(text).columns

    def get_partition_key_values(self, partition_keys: "list[str] | None" = None) -> "list[dict[str, Any]]":
        """Return the distinct combinations of values of the given partition keys, by default of all, as dicts.

        Raises:
            UserErrorException: The dataset has no such partition key.
            DatasetExecutionError: The path of a file does not have the partition format.
        """
        keys = self.partition_keys if partition_keys is None else list(partition_keys)
        text = self._definition["options"].get("partition_format")
        if text is None:
            raise UserErrorException("The dataset has no partition keys: make it with a partition_format.")
        return list_partition_values(text, [file.source for file in self._list_files().files], keys)

    # Registration

    def register(
        self: _Dataset,
        workspace: "Workspace",
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        create_new_version: bool = False,
    ) -> _Dataset:
        """Register the dataset and return it; an unchanged definition keeps its version.

        Raises:
            UserErrorException: The name belongs to a different dataset, and `create_new_version` is False.
        """
        record = workspace._request(
            "datasets.register",
            definition=self._definition,
            name=name,
            description=description,
            tags=tags,
            create_new_version=create_new_version,
        )
        return self._create(self._definition, workspace, record)

    def update(self: _Dataset, description: "str | None" = None, tags: "dict[str, str] | None" = None) -> _Dataset:
        """Update the description or tags of the registered dataset and return it; None leaves a value unchanged."""
        workspace, record = self._get_registration("update")
        self._record = workspace._request(
            "datasets.update", dataset_id=record["id"], description=description, tags=tags
        )
        return self

    def add_tags(self: _Dataset, tags: "dict[str, str] | None" = None) -> _Dataset:
        """Add tags to the registered dataset and return it."""
        _, record = self._get_registration("add_tags")
        return self.update(tags={**record["tags"], **(tags or {})})

    def remove_tags(self: _Dataset, tags: "list[str] | None" = None) -> _Dataset:
        """Remove the tags with these keys from the registered dataset and return it."""
        _, record = self._get_registration("remove_tags")
        return self.update(tags={key: value for key, value in record["tags"].items() if key not in (tags or ())})

    def unregister_all_versions(self) -> None:
        """Unregister all versions of the dataset; runs that used them still find them by id."""
        workspace, record = self._get_registration("unregister_all_versions")
        workspace._request("datasets.unregister", name=record["name"])
        self._record = None

    # Selection

    def take(self: _Dataset, count: int) -> _Dataset:
        """Return a dataset of the first `count` files or rows."""
        return self._with_transformation(["take", _check_count(count)])

    def skip(self: _Dataset, count: int) -> _Dataset:
        """Return a dataset without the first `count` files or rows."""
        return self._with_transformation(["skip", _check_count(count)])

    def take_sample(self: _Dataset, probability: float, seed: "int | None" = None) -> _Dataset:
        """Return a random sample that includes each file or row with the given probability."""
        return self._with_transformation(["part", check_seed(seed), 0, check_fraction("probability", probability)])

    def random_split(self: _Dataset, percentage: float, seed: "int | None" = None) -> "tuple[_Dataset, _Dataset]":
        """Return a random sample with about this fraction (0 to 1) of the files or rows, and the rest."""
        share, seed = check_fraction("percentage", percentage), check_seed(seed)
        return self._with_transformation(["part", seed, 0, share]), self._with_transformation(["part", seed, share, 1])

    def filter(self: _Dataset, expression: object) -> _Dataset:
        """Raise UserErrorException, since column expressions are not supported."""
        raise self._create_unsupported_error("filter", "Choose in the script, from to_path() or to_pandas_dataframe()")

    def __getitem__(self, key: str) -> Any:
        """Raise UserErrorException, since column expressions are not supported."""
        raise self._create_unsupported_error(
            f"dataset[{key!r}]", "Choose in the script, from to_path() or to_pandas_dataframe()"
        )

    # Runs

    def as_named_input(self, name: str) -> "DatasetConsumptionConfig":
        """Return the dataset as a run input, which the script accesses as `run.input_datasets[name]`.

        Raises:
            UserErrorException: The name is not made of letters, digits and underscores, or starts with a digit.
        """
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    def __repr__(self) -> str:
        shown: dict[str, Any] = {
            "source": [path.get("url") or path["path"] for path in self._definition["paths"]],
            "definition": [" ".join(map(str, step)) for step in self._definition["steps"]],
        }
        if self.name is not None:
            keys = ("id", "name", "version", "description", "tags")
            shown["registration"] = {key: self._get_registered_field(key) for key in keys}
        return f"{type(self).__name__}\n{json.dumps(shown, indent=2, ensure_ascii=False)}"

    def _get_registered_field(self, field: str) -> Any:
        """Return a field of the dataset's record, or None if the dataset is not registered."""
        return None if self._record is None or self._record["name"] is None else self._record[field]

    def _get_registration(self, call: str) -> "tuple[Workspace, dict[str, Any]]":
        """Return the workspace and the record of the dataset; raise UserErrorException if it is not registered."""
        if self._workspace is None or self._record is None or self._record["name"] is None:
            raise UserErrorException(f"{call} needs a registered dataset: call register(workspace, name) first.")
        return self._workspace, self._record

    def _with_transformation(self: _Dataset, step: "list[Any]") -> _Dataset:
        """Return a dataset with a step appended to its definition."""
        changed = {**self._definition, "steps": [*self._definition["steps"], step]}
        return self._create(changed, self._workspace)

    def _list_files(self) -> DataFiles:
        """Return the current files of the dataset."""
        return list_files(self._definition, self._workspace)

    def _create_unsupported_error(self, call: str, alternative: str) -> UserErrorException:
        return create_unsupported_error(f"{type(self).__name__}.{call}", alternative)

    # Use as an unnamed argument of a run

    def _build_location(self) -> "dict[str, Any]":
        """Return the dataset's location for a run configuration: id, name and version, or its definition."""
        if self._record is None:
            return {"definition": self._definition}
        version = self._record["version"]
        return {
            "id": self._record["id"],
            "name": self._record["name"],
            "version": None if version is None else str(version),
        }

    def _to_argument(self) -> str:
        """Return the placeholder for the dataset in the arguments of a run."""
        return self._to_input()._to_argument()

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Return the name of a runconfig section, and the key and entry in it that describe the dataset as an input."""
        return self._to_input()._build_data_section()

    def _to_input(self) -> "DatasetConsumptionConfig":
        """Return the dataset as a run input, with a generated name."""
        if self._input is None:
            self._input = self.as_named_input(f"input_{os.urandom(4).hex()}")
        return self._input


def _check_count(count: int) -> int:
    if not isinstance(count, int) or count < 0:
        raise UserErrorException(f"A count is a number from 0 on, not {count!r}.")
    return count


def check_fraction(name: str, fraction: float) -> float:
    """Return the fraction; raise ValueError if it is not a number from 0 to 1."""
    if not isinstance(fraction, (int, float)) or not 0 <= fraction <= 1:
        raise ValueError(f"{name} is a number between 0.0 and 1.0, not {fraction!r}.")
    return fraction


def check_seed(seed: "int | None") -> int:
    """Return the seed, or a new random one for None; raise UserErrorException if the seed is not an integer."""
    if seed is None:
        return random.randrange(1 << 31)  # noqa: S311 - a split of data is no secret
    if not isinstance(seed, int):
        raise UserErrorException(f"A seed is a whole number, not {seed!r}.")
    return seed
