"""Datasets of a workspace: register, save, look up and describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.guid import normalize_guid
from mlrun_cli.core.names import check_tag_key
from mlrun_cli.data.aliases import ALIASES_VARIABLE, parse_dataset_aliases
from mlrun_cli.data.dataset import (
    Dataset,
    Definition,
    check_dataset_name,
    normalize_definition,
)
from mlrun_cli.data.files import FindDatastore, check_paths_have_files
from mlrun_cli.errors import AlreadyExists, DataNotFound, DatasetNotFound, InvalidValue, UsageError
from mlrun_cli.workspace import Workspace


def register_dataset(
    workspace: Workspace,
    definition: object,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    create_new_version: bool = False,
    dataset_id: str | None = None,
    find_datastore: FindDatastore | None = None,
) -> Dataset:
    """Register a dataset under a name and return it; a definition equal to the latest version creates no version.

    Args:
        workspace: the workspace to register in.
        definition: the definition of the dataset.
        name: the name of all versions of the dataset.
        description: the description of the dataset.
        tags: the tags of the new version.
        create_new_version: whether to add a version if the definition differs from that of the latest version.
        dataset_id: an id to assign, such as the id in Azure; None retains an existing id or creates one.
        find_datastore: a function for finding datastores, used to check that the files exist; None skips the check.

    Raises:
        UsageError: the definition, the name, the id or the tags are not valid; the name belongs to a dataset with a
            different definition and `create_new_version` is not set; or the id belongs to another dataset.
        DataNotFound: a datastore in the definition does not exist, or a path has no files.
    """
    checked = normalize_dataset_definition(workspace, definition)
    check_dataset_name(name)
    if dataset_id is not None:
        dataset_id = normalize_guid(dataset_id)
    if find_datastore is not None:
        check_paths_have_files(checked, find_datastore)
    with workspace.transaction(durable=True):
        latest = workspace.datasets.find(name)
        owner = None if dataset_id is None else workspace.datasets.find_by_id(dataset_id)
        if owner is not None and (owner.definition != checked or owner.name not in {None, name}):
            raise _build_id_taken_error(owner)
        same = owner if dataset_id is not None else latest
        if same is not None and same.name == name and same.definition == checked:
            return _update_dataset(workspace, same, description, tags)
        if latest is not None and latest.definition != checked and not create_new_version:
            raise AlreadyExists(
                f"The dataset '{name}' already exists, and its latest version {latest.version} has other files.",
                hint="Use create_new_version=True (--create-new-version) to add a version, or choose another name.",
                target=name,
            )
        version = 1 if latest is None or latest.version is None else latest.version + 1
        if owner is not None:
            workspace.datasets.set_name(owner, name, version)
            return _update_dataset(workspace, get_dataset(workspace, name), description, tags)
        return workspace.datasets.insert(
            checked,
            dataset_id=dataset_id,
            name=name,
            version=version,
            description=description,
            tags=_normalize_tags(tags),
        )


def save_dataset(workspace: Workspace, definition: object) -> Dataset:
    """Save a dataset without a name and return it; equal definitions share one dataset and its id.

    Raises:
        UsageError: the definition is not valid.
        DataNotFound: a datastore in the definition does not exist.
    """
    checked = normalize_dataset_definition(workspace, definition)
    with workspace.transaction():
        return workspace.datasets.find_unnamed_dataset(checked) or workspace.datasets.insert(checked)


def normalize_dataset_definition(workspace: Workspace, definition: object) -> Definition:
    """Validate a dataset's definition against the workspace, and return it with missing keys set to their defaults.

    Raises:
        UsageError: the definition is not valid.
        DataNotFound: a datastore in the definition does not exist.
    """
    checked = normalize_definition(definition)
    for path in checked["paths"]:
        if "datastore" in path:
            get_datastore(workspace, path["datastore"]).resolve_path(path["path"])
    return checked


def get_dataset(workspace: Workspace, name: str, version: int | None = None) -> Dataset:
    """Return a version of the dataset with this name, the latest by default.

    Raises:
        DataNotFound: there is no such dataset.
    """
    found = workspace.datasets.find(name, version)
    if found is not None:
        return found
    latest = workspace.datasets.find(name)
    if latest is not None:
        raise DatasetNotFound(
            f"The dataset '{name}' has no version {version}; its latest is {latest.version}.", target=name
        )
    known = ", ".join(str(dataset.name) for dataset in workspace.datasets.list_latest_versions())
    raise DatasetNotFound(
        f"There is no dataset '{name}'. {f'There are: {known}.' if known else 'There are none yet.'}",
        hint="'mlrun dataset register', or dataset.register(workspace, name), registers one.",
        target=name,
    )


def get_dataset_by_id(workspace: Workspace, dataset_id: str, environ: Mapping[str, str] | None = None) -> Dataset:
    """Return the dataset with this id, or the one that `MLRUN_DATASETS` substitutes for it.

    Args:
        workspace: the workspace to search.
        dataset_id: an id from this workspace or from Azure.
        environ: the variables to read `MLRUN_DATASETS` from; None substitutes nothing.

    Raises:
        DataNotFound: there is no such dataset.
        UsageError: the variable cannot be read.
    """
    found = workspace.datasets.find_by_id(dataset_id)
    if found is not None:
        return found
    alias = parse_dataset_aliases(environ or {}).get(dataset_id.casefold())
    if alias is not None:
        try:
            return get_dataset(workspace, alias.name, alias.version)
        except DataNotFound as error:
            raise DatasetNotFound(
                f"{ALIASES_VARIABLE} for {dataset_id}: {error.message}", hint=error.hint, target=dataset_id
            ) from error
    hint = "Write the id of a dataset that 'mlrun dataset list' has, or its name as 'name:' instead of 'id:'."
    if re.fullmatch(r"[\w-]+", dataset_id):  # and no placeholder, as templates have
        hint = (
            f"Ids of Azure mean nothing here by themselves: say which dataset of here it is, {ALIASES_VARIABLE}="
            f"{dataset_id}=NAME, or register the data with 'mlrun dataset register --id {dataset_id}'."
        )
    raise DatasetNotFound(
        f"There is no dataset with the id '{dataset_id}' in workspace '{workspace.identity.name}'.",
        hint=hint,
        target=dataset_id,
    )


def update_dataset(
    workspace: Workspace, dataset_id: str, description: str | None, tags: Mapping[str, str | None] | None
) -> Dataset:
    """Update the description and tags of a dataset and return it; None leaves a value unchanged.

    Raises:
        DataNotFound: there is no such dataset.
        UsageError: the tags are not valid.
    """
    with workspace.transaction():
        return _update_dataset(workspace, get_dataset_by_id(workspace, dataset_id), description, tags)


def unregister_dataset(workspace: Workspace, name: str) -> None:
    """Remove the name from all versions of a dataset.

    Raises:
        DataNotFound: no dataset has this name.
    """
    get_dataset(workspace, name)
    workspace.datasets.remove_name(name)


def resolve_input(workspace: Workspace, input_entry: Mapping[str, Any]) -> Dataset | str:
    """Return what a script receives for an input of its run: the path or, if the input has no path, the dataset.

    Raises:
        DataNotFound: the dataset no longer exists.
    """
    path = input_entry.get("path")
    return str(path) if path is not None else get_dataset_by_id(workspace, str(input_entry.get("dataset_id")))


def _build_id_taken_error(owner: Dataset) -> UsageError:
    shown = "one without a name" if owner.name is None else f"'{owner.name}', version {owner.version}"
    return AlreadyExists(
        f"A dataset with the id {owner.dataset_id} already exists: {shown}.",
        hint="Leave the id out, and write the one that is printed into the runconfig.",
        target=owner.dataset_id,
    )


def _update_dataset(
    workspace: Workspace, dataset: Dataset, description: str | None, tags: Mapping[str, str | None] | None
) -> Dataset:
    if description is None and tags is None:
        return dataset
    workspace.datasets.update(
        dataset,
        dataset.description if description is None else description,
        dataset.tags if tags is None else _normalize_tags(tags),
    )
    return get_dataset_by_id(workspace, dataset.dataset_id)


def _normalize_tags(tags: Mapping[str, str | None] | None) -> dict[str, str | None]:
    if tags is None:
        return {}
    if not isinstance(tags, Mapping):
        raise InvalidValue(f"The tags have to be a mapping, not {tags!r}.", target="tags")
    return {check_tag_key(str(key)): None if value is None else str(value) for key, value in tags.items()}
