"""A registered model: a file or folder that the workspace stores under a name and a version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso
from mlrun_cli.errors import InvalidName

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


class ModelDetails(NamedTuple):
    """Details of a model that are only informative.

    Attributes:
        datasets: pairs of a purpose, such as `training`, and a dataset id.
        sample_input_dataset_id, sample_output_dataset_id: ids of datasets.
        resources: the resources for serving the model, under Azure's keys `cpu`, `memoryInGB` and `gpu`.
    """

    datasets: Sequence[tuple[str, str]] = ()
    sample_input_dataset_id: str | None = None
    sample_output_dataset_id: str | None = None
    resources: Mapping[str, Any] | None = None


class NewModel(NamedTuple):
    """A model to register; `run_id` and `experiment_name` are its origin."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] = {}
    properties: Mapping[str, str] = {}
    framework: str | None = None
    framework_version: str | None = None
    run_id: str | None = None
    experiment_name: str | None = None
    details: ModelDetails = ModelDetails()


class Model(NamedTuple):
    """A registered model; times are in microseconds in UTC, and its run may have been deleted."""

    key: int
    name: str
    version: int
    created_at: int
    modified_at: int
    user_name: str
    run_id: str | None
    experiment_name: str | None
    framework: str | None
    framework_version: str | None
    description: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    details: ModelDetails

    @property
    def model_id(self) -> str:
        """The id of the model, `name:version`."""
        return f"{self.name}:{self.version}"


class PairFilter(NamedTuple):
    """A condition on a tag or property, where None means any value."""

    key: str
    value: str | None = None


class ModelFilter(NamedTuple):
    """A filter for models; None and empty values match all, and `latest` selects the newest version of each name."""

    name: str | None = None
    version: int | None = None
    tags: Sequence[PairFilter] = ()
    properties: Sequence[PairFilter] = ()
    run_id: str | None = None
    dataset_id: str | None = None
    framework: str | None = None
    latest: bool = False

    def select(self, models: Iterable[Model]) -> list[Model]:
        """Return the models that meet the conditions the database does not check; `models` must be newest first."""
        found: list[Model] = []
        names: set[str] = set()
        for model in models:
            if self._matches(model) and not (self.latest and model.name in names):
                found.append(model)
                names.add(model.name)
        return found

    def _matches(self, model: Model) -> bool:
        """Return whether a model has the tags, properties and dataset of the filter."""
        return (
            _satisfies_all(model.tags, self.tags)
            and _satisfies_all(model.properties, self.properties)
            and (self.dataset_id is None or self.dataset_id in {guid for _, guid in model.details.datasets})
        )


def describe_model(model: Model, url: str) -> dict[str, Any]:
    """Return a model's record as `model show` prints it, with Azure's camelCase keys."""
    return {
        "createdBy": {"userName": model.user_name},
        "createdTime": format_iso(model.created_at),
        "datasets": [{"name": purpose, "id": guid} for purpose, guid in model.details.datasets],
        "description": model.description,
        "experimentName": model.experiment_name,
        "framework": model.framework,
        "frameworkVersion": model.framework_version,
        "id": model.model_id,
        "modifiedTime": format_iso(model.modified_at),
        "name": model.name,
        "properties": dict(model.properties),
        "resourceConfiguration": None if model.details.resources is None else dict(model.details.resources),
        "runId": model.run_id,
        "sampleInputDatasetId": model.details.sample_input_dataset_id,
        "sampleOutputDatasetId": model.details.sample_output_dataset_id,
        "tags": dict(model.tags),
        "url": url,
        "version": model.version,
    }


def check_model_name(name: str) -> str:
    """Return a model name unchanged; raise UsageError if it is invalid.

    Raises:
        UsageError: Azure does not allow the name; names that it allows are also safe as folder names.
    """
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{name[:60]!r} is not a name for a model.",
            hint="Use up to 255 letters, digits, '-', '_' and '.', beginning with a letter or a digit.",
            target=name,
        )
    return name


def split_model_id(model_id: str) -> tuple[str, int | None]:
    """Split `name:version` into the name and the version; the version is None if there is only a name.

    Raises:
        UsageError: the version is not a number.
    """
    name, colon, version = model_id.partition(":")
    if colon and not (version.isascii() and version.isdigit() and len(version) < 19):
        raise InvalidName(
            f"'{model_id}' is not the id of a model.", hint="Use name:version, as in mymodel:1.", target=model_id
        )
    return name, int(version) if colon else None


def _satisfies_all(pairs: Mapping[str, str], filters: Iterable[PairFilter]) -> bool:
    """Return whether tags or properties satisfy all filters."""
    return all(one.key in pairs and one.value in (None, pairs[one.key]) for one in filters)
