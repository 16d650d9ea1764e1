"""Questions about datasets, datastores and the data of runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlrun_cli.actions import datasets as actions
from mlrun_cli.actions import datastores
from mlrun_cli.data.dataset import Dataset, dataset_record
from mlrun_cli.data.datastore import Datastore, datastore_record
from mlrun_cli.errors import UsageError
from mlrun_cli.rpc.context import Place


def register(
    place: Place,
    definition: object,
    name: object,
    description: str | None = None,
    tags: dict[str, str | None] | None = None,
    create_new_version: bool = False,
) -> dict[str, Any]:
    """The record of a dataset that was given a name."""
    dataset = actions.register_dataset(
        place.workspace,
        definition,
        _text("name of a dataset", name),
        description=description,
        tags=tags,
        create_new_version=bool(create_new_version),
    )
    return dataset_record(dataset)


def save(place: Place, definition: object) -> dict[str, Any]:
    """The record of a dataset without a name, which has an id now."""
    return dataset_record(actions.save_dataset(place.workspace, definition))


def get(place: Place, name: object, version: int | None = None) -> dict[str, Any]:
    """The record of a registered dataset."""
    return dataset_record(actions.get_dataset(place.workspace, _text("name of a dataset", name), version))


def get_by_id(place: Place, dataset_id: object) -> dict[str, Any]:
    """The record of a dataset by its id."""
    checked = _text("id of a dataset", dataset_id)
    return dataset_record(actions.get_dataset_by_id(place.workspace, checked, os.environ))


def list_latest(place: Place) -> list[dict[str, Any]]:
    """The records of all registered datasets in their latest version."""
    return [dataset_record(dataset) for dataset in place.workspace.datasets.latest()]


def update(
    place: Place, dataset_id: str, description: str | None = None, tags: dict[str, str | None] | None = None
) -> dict[str, Any]:
    """The record of a dataset after its description or its tags were replaced."""
    return dataset_record(actions.describe_dataset(place.workspace, dataset_id, description, tags))


def unregister(place: Place, name: str) -> None:
    """Take the name from all versions of a dataset."""
    actions.unregister_dataset(place.workspace, name)


def files(place: Place, definition: object) -> dict[str, Any]:
    """The files of a dataset, `[name, path or URL]` each, and the one path that they are, if they are that."""
    found = actions.find_files(definition, lambda name: datastores.get_datastore(place.workspace, name))
    return {
        "files": [[file.name, file.source] for file in found.files],
        "whole": None if found.whole is None else str(found.whole),
    }


def check(place: Place, definition: object) -> None:
    """See that a dataset has files."""
    actions.check_files(definition, lambda name: datastores.get_datastore(place.workspace, name))


def inputs(place: Place, run_id: str) -> dict[str, Any]:
    """What a run's script was given, by name: a path as text, or the record of a dataset."""
    definition = place.workspace.runs.get(run_id).definition or {}
    found = {entry["name"]: actions.input_record(place.workspace, entry) for entry in definition.get("data") or []}
    return {name: dataset_record(item) if isinstance(item, Dataset) else item for name, item in found.items()}


def outputs(place: Place, run_id: str) -> dict[str, str]:
    """Where a run's script was to write its outputs, by name."""
    definition = place.workspace.runs.get(run_id).definition or {}
    return {entry["name"]: entry["path"] for entry in definition.get("outputData") or []}


def get_datastore(place: Place, name: str | None = None) -> dict[str, Any]:
    """The record of a datastore, the default one if none is named."""
    wanted = None if name is None else _text("name of a datastore", name)
    return _record(place, datastores.get_datastore(place.workspace, wanted))


def list_datastores(place: Place) -> list[dict[str, Any]]:
    """The records of all datastores."""
    return [_record(place, datastore) for datastore in datastores.list_datastores(place.workspace)]


def set_default_datastore(place: Place, name: object) -> None:
    """Have this datastore be the default one."""
    datastores.set_default(place.workspace, _text("name of a datastore", name))


def register_datastore(place: Place, name: object, folder: str, overwrite: bool = False) -> dict[str, Any]:
    """The record of a folder that was attached as a datastore."""
    text = _text("name of a datastore", name)
    return _record(place, datastores.register_local(place.workspace, text, Path(folder), overwrite=bool(overwrite)))


def unregister_datastore(place: Place, name: str) -> None:
    """Forget a datastore."""
    datastores.unregister(place.workspace, name)


def _record(place: Place, datastore: Datastore) -> dict[str, Any]:
    return datastore_record(datastore, is_default=datastore.name == datastores.default_name(place.workspace))


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"The {what} is a text, not {value!r}.")
    return value


CALLS = {
    "check": check,
    "files": files,
    "get": get,
    "get_by_id": get_by_id,
    "get_datastore": get_datastore,
    "inputs": inputs,
    "list": list_latest,
    "list_datastores": list_datastores,
    "outputs": outputs,
    "register": register,
    "register_datastore": register_datastore,
    "save": save,
    "set_default_datastore": set_default_datastore,
    "unregister": unregister,
    "unregister_datastore": unregister_datastore,
    "update": update,
}
