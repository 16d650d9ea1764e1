"""The base of datasets of files and of tables."""

import json
import os
import random
from typing import TYPE_CHECKING, Any, TypeVar

from azureml._unsupported import create_refusal
from azureml.data._sources import DataFiles, list_files
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

_Dataset = TypeVar("_Dataset", bound="AbstractDataset")


class AbstractDataset:
    """A definition of data: which files, and what is chosen of them. The files are looked for when they are used."""

    _kind = ""
    _definition: "dict[str, Any]"
    _workspace: "Workspace | None"
    _record: "dict[str, Any] | None"
    _input: "DatasetConsumptionConfig | None" = None

    def __init__(self) -> None:
        """Not supported: datasets are made by the functions of `Dataset.File` and `Dataset.Tabular`."""
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
        dataset = cls.__new__(cls)
        dataset._definition = definition
        dataset._workspace = workspace
        dataset._record = record
        return dataset

    # Those that there are

    @staticmethod
    def get_by_name(workspace: "Workspace", name: str, version: "int | str" = "latest", **kwargs: Any) -> Any:
        """Return the dataset that is registered under a name; `Dataset.get_by_name`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_by_name(workspace, name, version, **kwargs)

    @staticmethod
    def get_by_id(workspace: "Workspace", id: str, **kwargs: Any) -> Any:
        """Return the dataset with an id; `Dataset.get_by_id`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_by_id(workspace, id, **kwargs)

    @staticmethod
    def get_all(workspace: "Workspace") -> "dict[str, Any]":
        """Return all registered datasets by name; `Dataset.get_all`."""
        from azureml.core.dataset import Dataset

        return Dataset.get_all(workspace)

    # Who it is

    @property
    def id(self) -> "str | None":
        """The dataset's id; None while it belongs to no workspace."""
        if self._record is None and self._workspace is not None:
            self._record = self._workspace._request("datasets.save", definition=self._definition)
        return None if self._record is None else str(self._record["id"])

    @property
    def name(self) -> "str | None":
        """The dataset's registered name, or None."""
        name: str | None = self._get_registered("name")
        return name

    @property
    def version(self) -> "int | None":
        """The dataset's registered version, from 1, or None."""
        version: int | None = self._get_registered("version")
        return version

    @property
    def description(self) -> "str | None":
        """The dataset's registered description, or None."""
        description: str | None = self._get_registered("description")
        return description

    @property
    def tags(self) -> "dict[str, str] | None":
        """The dataset's tags; None while it is not registered."""
        tags: dict[str, str] | None = self._get_registered("tags")
        return None if tags is None else dict(tags)

    @property
    def data_changed_time(self) -> Any:
        """The time when its newest file was changed, in UTC; None when one is remote."""
        from datetime import datetime, timezone

        sources = [file.source for file in self._resolve_files().files]
        if not sources or not all(map(os.path.exists, sources)):
            return None
        return datetime.fromtimestamp(max(map(os.path.getmtime, sources)), timezone.utc)

    @property
    def partition_keys(self) -> "list[str]":
        """The columns that come from paths; there are none."""
        return []

    def get_partition_key_values(self, partition_keys: "list[str] | None" = None) -> "list[dict[str, Any]]":
        """Not supported: there are no columns that come from paths."""
        raise self._create_refusal("get_partition_key_values", "Group the data in the script")

    # Registering

    def register(
        self: _Dataset,
        workspace: "Workspace",
        name: str,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        create_new_version: bool = False,
    ) -> _Dataset:
        """Register the dataset under a name; a definition equal to the latest version does not create a new one.

        Raises:
            UserErrorException: The name is that of another dataset, and `create_new_version` is not said.
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
        """Change the description or the tags; None leaves them as they are."""
        workspace, record = self._get_registration("update")
        self._record = workspace._request(
            "datasets.update", dataset_id=record["id"], description=description, tags=tags
        )
        return self

    def add_tags(self: _Dataset, tags: "dict[str, str] | None" = None) -> _Dataset:
        """Add tags to the dataset."""
        _, record = self._get_registration("add_tags")
        return self.update(tags={**record["tags"], **(tags or {})})

    def remove_tags(self: _Dataset, tags: "list[str] | None" = None) -> _Dataset:
        """Remove the tags with these keys."""
        _, record = self._get_registration("remove_tags")
        return self.update(tags={key: value for key, value in record["tags"].items() if key not in (tags or ())})

    def unregister_all_versions(self) -> None:
        """Unregister all versions of the dataset. Runs that used them still find them by id."""
        workspace, record = self._get_registration("unregister_all_versions")
        workspace._request("datasets.unregister", name=record["name"])
        self._record = None

    # Choosing

    def take(self: _Dataset, count: int) -> _Dataset:
        """Return the first files or rows."""
        return self._with_step(["take", _check_count(count)])

    def skip(self: _Dataset, count: int) -> _Dataset:
        """Return all but the first files or rows."""
        return self._with_step(["skip", _check_count(count)])

    def take_sample(self: _Dataset, probability: float, seed: "int | None" = None) -> _Dataset:
        """Return a random sample of the files or rows, each with this probability; a seed makes it reproducible."""
        return self._with_step(["part", _check_seed(seed), 0, _check_share("probability", probability)])

    def random_split(self: _Dataset, percentage: float, seed: "int | None" = None) -> "tuple[_Dataset, _Dataset]":
        """Split the dataset at random into two: about this share (0 to 1) of the files or rows, and the rest."""
        share, seed = _check_share("percentage", percentage), _check_seed(seed)
        return self._with_step(["part", seed, 0, share]), self._with_step(["part", seed, share, 1])

    def filter(self: _Dataset, expression: object) -> _Dataset:
        """Not supported: expressions over columns are not here."""
        raise self._create_refusal("filter", "Choose in the script, from to_path() or to_pandas_dataframe()")

    def __getitem__(self, key: str) -> Any:
        """Not supported: expressions over columns are not here."""
        raise self._create_refusal(f"dataset[{key!r}]", "Choose in the script, from to_path() or to_pandas_dataframe()")

    # Runs

    def as_named_input(self, name: str) -> "DatasetConsumptionConfig":
        """Return the dataset as an input of a run, found by its script as `run.input_datasets[name]`.

        Raises:
            UserErrorException: The name is no word of letters, digits and underscores, or begins with a digit.
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
            shown["registration"] = {key: self._get_registered(key) for key in keys}
        return f"{type(self).__name__}\n{json.dumps(shown, indent=2, ensure_ascii=False)}"

    def _get_registered(self, key: str) -> Any:
        return None if self._record is None or self._record["name"] is None else self._record[key]

    def _get_registration(self, call: str) -> "tuple[Workspace, dict[str, Any]]":
        if self._workspace is None or self._record is None or self._record["name"] is None:
            raise UserErrorException(f"{call} needs a registered dataset: call register(workspace, name) first.")
        return self._workspace, self._record

    def _with_step(self: _Dataset, step: "list[Any]") -> _Dataset:
        changed = {**self._definition, "steps": [*self._definition["steps"], step]}
        return self._create(changed, self._workspace)

    def _resolve_files(self) -> DataFiles:
        return list_files(self._definition, self._workspace)

    def _create_refusal(self, call: str, instead: str) -> UserErrorException:
        return create_refusal(f"{type(self).__name__}.{call}", instead)

    # As an argument of a run without a name

    def _build_location(self) -> "dict[str, Any]":
        """Return the dataset's section of a run configuration: its id, or its definition if unsaved."""
        if self._record is None:
            return {"definition": self._definition}
        version = self._record["version"]
        return {
            "id": self._record["id"],
            "name": self._record["name"],
            "version": None if version is None else str(version),
        }

    def _to_argument(self) -> str:
        return self._to_input()._to_argument()

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        return self._to_input()._build_data_section()

    def _to_input(self) -> "DatasetConsumptionConfig":
        if self._input is None:
            self._input = self.as_named_input(f"input_{os.urandom(4).hex()}")
        return self._input


def _check_count(count: int) -> int:
    if not isinstance(count, int) or count < 0:
        raise UserErrorException(f"A count is a number from 0 on, not {count!r}.")
    return count


def _check_share(name: str, share: float) -> float:
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ValueError(f"{name} is a number between 0.0 and 1.0, not {share!r}.")
    return share


def _check_seed(seed: "int | None") -> int:
    if seed is None:
        return random.randrange(1 << 31)  # noqa: S311 - a split of data is no secret
    if not isinstance(seed, int):
        raise UserErrorException(f"A seed is a whole number, not {seed!r}.")
    return seed
