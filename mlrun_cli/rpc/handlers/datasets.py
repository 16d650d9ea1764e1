"""Handlers of requests about datasets, datastores and the data of runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions import datasets as actions
from mlrun_cli.actions import datastores
from mlrun_cli.data import files
from mlrun_cli.data.dataset import Dataset, build_dataset_record
from mlrun_cli.data.datastore import Datastore, build_datastore_record
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler


@handler("datasets.register")
def register_dataset(
    context: RequestContext,
    definition: object,
    name: str,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    create_new_version: bool = False,
) -> dict[str, Any]:
    """Register a dataset under a name; return its record."""
    dataset = actions.register_dataset(
        context.workspace,
        definition,
        name,
        description=description,
        tags=tags,
        create_new_version=bool(create_new_version),
    )
    return build_dataset_record(dataset)


@handler("datasets.save")
def save_dataset(context: RequestContext, definition: object) -> dict[str, Any]:
    """Save a dataset without a name; return its record."""
    return build_dataset_record(actions.save_dataset(context.workspace, definition))


@handler("datasets.get", only_reads=True)
def get_dataset(context: RequestContext, name: str, version: int | None = None) -> dict[str, Any]:
    """Return the record of one version of a registered dataset, by default the latest."""
    return build_dataset_record(actions.get_dataset(context.workspace, name, version))


@handler("datasets.get_by_id", only_reads=True)
def get_dataset_by_id(context: RequestContext, dataset_id: str) -> dict[str, Any]:
    """Return the record of the dataset with this id."""
    return build_dataset_record(actions.get_dataset_by_id(context.workspace, dataset_id, os.environ))


@handler("datasets.list", only_reads=True)
def list_datasets(context: RequestContext) -> list[dict[str, Any]]:
    """Return the records of the latest versions of all registered datasets."""
    return [build_dataset_record(dataset) for dataset in context.workspace.datasets.list_latest_versions()]


@handler("datasets.update")
def update_dataset(
    context: RequestContext, dataset_id: str, description: str | None = None, tags: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Replace the description, the tags or both of a dataset; return its record."""
    return build_dataset_record(actions.update_dataset(context.workspace, dataset_id, description, tags))


@handler("datasets.unregister")
def unregister_dataset(context: RequestContext, name: str) -> None:
    """Unregister all versions of the dataset with this name."""
    actions.unregister_dataset(context.workspace, name)


@handler("datasets.files", only_reads=True)
def list_files(context: RequestContext, definition: object) -> dict[str, Any]:
    """Return a dataset's `files` as `[name, path or URL]` pairs, and `whole`, their only folder or file, or None."""
    found = files.find_files(definition, lambda name: datastores.get_datastore(context.workspace, name))
    return {
        "files": [[file.name, file.source] for file in found.files],
        "whole": None if found.whole is None else str(found.whole),
    }


@handler("datasets.check", only_reads=True)
def check_paths_have_files(context: RequestContext, definition: object) -> None:
    """Raise an error if there is no file at one of the paths of a dataset."""
    files.check_paths_have_files(definition, lambda name: datastores.get_datastore(context.workspace, name))


@handler("datasets.inputs", only_reads=True)
def get_inputs(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the inputs of a run's script, keyed by name; each is a path or the record of a dataset."""
    definition = context.workspace.runs.get(run_id).definition or {}
    found = {entry["name"]: actions.resolve_input(context.workspace, entry) for entry in definition.get("data") or []}
    return {name: build_dataset_record(item) if isinstance(item, Dataset) else item for name, item in found.items()}


@handler("datasets.outputs", only_reads=True)
def get_outputs(context: RequestContext, run_id: str) -> dict[str, str]:
    """Return the paths to which a run's script has to write its outputs, keyed by name."""
    definition = context.workspace.runs.get(run_id).definition or {}
    return {entry["name"]: entry["path"] for entry in definition.get("outputData") or []}


@handler("datasets.get_datastore", only_reads=True)
def get_datastore(context: RequestContext, name: str | None = None) -> dict[str, Any]:
    """Return the record of a datastore, or of the default one if no name is given."""
    return _build_datastore_record(context, datastores.get_datastore(context.workspace, name))


@handler("datasets.list_datastores", only_reads=True)
def list_datastores(context: RequestContext) -> list[dict[str, Any]]:
    """Return the records of all datastores."""
    return [_build_datastore_record(context, datastore) for datastore in datastores.list_datastores(context.workspace)]


@handler("datasets.set_default_datastore")
def set_default_datastore(context: RequestContext, name: str) -> None:
    """Make the datastore with this name the workspace's default datastore."""
    datastores.set_default_datastore(context.workspace, name)


@handler("datasets.register_datastore")
def register_datastore(context: RequestContext, name: str, folder: str, overwrite: bool = False) -> dict[str, Any]:
    """Register a folder as a datastore; return the record of the datastore."""
    return _build_datastore_record(
        context, datastores.register_datastore(context.workspace, name, Path(folder), overwrite=bool(overwrite))
    )


@handler("datasets.unregister_datastore")
def unregister_datastore(context: RequestContext, name: str) -> None:
    """Remove a datastore's registration, but not its files."""
    datastores.unregister_datastore(context.workspace, name)


def _build_datastore_record(context: RequestContext, datastore: Datastore) -> dict[str, Any]:
    return build_datastore_record(
        datastore, is_default=datastore.name == datastores.get_default_datastore_name(context.workspace)
    )
