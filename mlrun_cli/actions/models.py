"""Register, list, show, update, download and delete models."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions.artifacts import download_files, list_files
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_tag_key, check_text
from mlrun_cli.errors import MissingOption, MlrunError, ModelFileNotFound, ModelNotFound, PropertyImmutable, StoreError
from mlrun_cli.models.folder import ModelFolder, copy_files_to_folder, copy_model_to_folder, list_model_files
from mlrun_cli.models.model import Model, ModelFilter, NewModel, check_model_name, describe_model
from mlrun_cli.processes.host import get_user_name
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.workspace import Workspace

_SHOWN_NAMES = 10


class ModelChanges(NamedTuple):
    """The changes for `update_model`; None or an empty value leaves a field unchanged.

    Attributes:
        tags: the tags to set; with `replaces_tags` they replace all existing tags.
        details: the new values of fields of `ModelDetails`, keyed by field.
    """

    tags: Mapping[str, str] = {}
    replaces_tags: bool = False
    removed_tags: Sequence[str] = ()
    properties: Mapping[str, str] = {}
    description: str | None = None
    details: Mapping[str, Any] = {}


def register_model(
    workspace: Workspace, new_model: NewModel, path: Path, child_paths: Sequence[str] | None = None
) -> Model:
    """Register a copy of a file or folder as the next version of a model and return that version.

    Args:
        workspace: the workspace to register in.
        new_model: the name and details of the model.
        path: the file or folder.
        child_paths: the files and folders below `path` to include; None includes all.

    Raises:
        UsageError: a value in `new_model` is not valid, or the files cannot be read.
        StoreError: the files cannot be stored, for example because the disk is full; nothing remains of them then.
    """
    _check_new_model(new_model)
    files = list_model_files(path, child_paths)
    folder = _get_model_folder(workspace)
    with folder.create_incoming_folder() as incoming:
        content = incoming / "files"
        content.mkdir(mode=0o700)
        copy_files_to_folder(files, content)
        return _store_model(workspace, folder, content, new_model)


def register_run_files(workspace: Workspace, new_model: NewModel, run: Run, path: str | None) -> Model:
    """Register a copy of a run's file or folder as the next version of a model, linked to the run; return the version.

    Args:
        workspace: the workspace of the run.
        new_model: the name and details of the model.
        run: the run that has the files.
        path: a path such as `outputs/model.pkl`; None means the model's name.

    Raises:
        ModelFileNotFound: the run has no such file or folder.
        UsageError: a value in `new_model` is not valid.
        StoreError: the files cannot be stored, for example because the disk is full; nothing remains of them then.
    """
    new_model = new_model._replace(run_id=run.run_id, experiment_name=run.experiment_name)
    _check_new_model(new_model)
    wanted = posixpath.normpath(path or new_model.name)
    files = list_files(workspace, run)
    chosen = [name for name in files if name == wanted or name.startswith(f"{wanted}/")]
    if not chosen:
        raise _build_path_not_found_error(wanted, files, run)
    folder = _get_model_folder(workspace)
    with folder.create_incoming_folder() as incoming:
        try:
            download_files(workspace, run, chosen, incoming / "files")
        except MlrunError as error:
            raise StoreError(error.message, hint="Make room there, and check that the run's files exist.") from error
        return _store_model(workspace, folder, (incoming / "files" / wanted).parent, new_model)


def list_models(workspace: Workspace, model_filter: ModelFilter) -> Sequence[Model]:
    """Return the model versions that match a filter, newest first."""
    return workspace.models.list(model_filter)


def get_model(workspace: Workspace, model_filter: ModelFilter) -> Model:
    """Return the newest model version that matches a filter.

    Raises:
        UsageError: no name is given.
        ModelNotFound: no model matches.
    """
    if model_filter.name is None:
        raise MissingOption("No model is named.", hint="Give its name, or its id such as mymodel:1.")
    found = workspace.models.list(model_filter)
    if found:
        return found[0]
    workspace.models.get(model_filter.name, model_filter.version)
    raise ModelNotFound(
        f"No version of the model '{model_filter.name}' fits.", hint="Use fewer conditions.", target=model_filter.name
    )


def update_model(workspace: Workspace, model: Model, changes: ModelChanges) -> Model:
    """Update tags, description and details of a model and add properties, in one transaction; return the model.

    Raises:
        UsageError: a key or a text is not valid, or a property exists with another value.
        ModelNotFound: the model has been deleted.
    """
    _check_texts(changes.tags, changes.properties, changes.description)
    with workspace.transaction():
        now = workspace.models.get(model.name, model.version)
        for key, value in workspace.redactor.redact_document(changes.properties).items():
            if now.properties.get(key, value) != value:
                raise PropertyImmutable(
                    f"The property '{key}' of the model '{model.model_id}' is already '{now.properties[key]}'.",
                    hint="Properties are written once; use a tag for what may change.",
                    target=key,
                )
        kept = {} if changes.replaces_tags else now.tags
        tags = {key: value for key, value in kept.items() if key not in changes.removed_tags}
        workspace.models.update(
            now,
            tags={**tags, **changes.tags},
            properties={**now.properties, **changes.properties},
            description=now.description if changes.description is None else changes.description,
            details=now.details._replace(**changes.details),
        )
    return workspace.models.get(model.name, model.version)


def delete_model(workspace: Workspace, model: Model) -> None:
    """Delete a version of a model with its files; the run that it was registered from is unchanged.

    Raises:
        ModelNotFound: it has already been deleted.
    """
    with workspace.transaction():
        if not workspace.models.delete(model):
            workspace.models.get(model.name, model.version)
    _get_model_folder(workspace).remove(model.name, model.version)


def download_model(workspace: Workspace, model: Model, folder: Path, *, overwrite: bool) -> Path:
    """Copy a model's file or folder into a folder, which is created if needed; return the path of the copy.

    Raises:
        UsageError: the destination exists, and `overwrite` is not set.
        MlrunError: the copy cannot be written.
    """
    return copy_model_to_folder(get_model_path(workspace, model), folder, overwrite=overwrite)


def get_model_path(workspace: Workspace, model: Model) -> Path:
    """Return the path of a model's file or folder, which callers must not change.

    Raises:
        StoreError: the file or folder no longer exists.
    """
    return _get_model_folder(workspace).get_content_path(model.name, model.version)


def build_model_record(workspace: Workspace, model: Model) -> dict[str, Any]:
    """Return a model's record, in the format of `model show`."""
    folder = workspace.folder / "models" / model.name / str(model.version)
    return describe_model(model, folder.as_uri())


def _get_model_folder(workspace: Workspace) -> ModelFolder:
    return ModelFolder(workspace.folder / "models")


def _store_model(workspace: Workspace, folder: ModelFolder, content: Path, new_model: NewModel) -> Model:
    folder.seal(content)
    # The row comes last: there is none without files. Were the files removed after the transaction, another process
    # could have got the version meanwhile; left where they are, they are replaced by whoever gets it.
    with workspace.transaction(durable=True):
        version = workspace.models.reserve_version(new_model.name)
        folder.move_into_place(content, new_model.name, version)
        try:
            workspace.models.insert(new_model, version, get_user_name())
        except BaseException:
            folder.remove(new_model.name, version)
            raise
    return workspace.models.get(new_model.name, version)


def _check_new_model(new_model: NewModel) -> None:
    check_model_name(new_model.name)
    _check_texts(new_model.tags, new_model.properties, new_model.description)
    for what, text in (("framework", new_model.framework), ("framework version", new_model.framework_version)):
        check_text(f"the {what}", text or "")
    if new_model.framework is None and new_model.framework_version is not None:
        raise MissingOption("A version of a framework is given, and no framework.", hint="Name the framework too.")


def _check_texts(tags: Mapping[str, str], properties: Mapping[str, str], description: str | None) -> None:
    for key, value in (*tags.items(), *properties.items()):
        check_text(f"the value of '{check_tag_key(key)}'", value)
    check_text("the description", description or "")


def _build_path_not_found_error(path: str, files: Sequence[str], run: Run) -> ModelFileNotFound:
    there_are = f"It has: {format_first_names(files, _SHOWN_NAMES)}." if files else "It has none yet."
    return ModelFileNotFound(
        f"The run '{run.run_id}' has no file or folder '{path}'. {there_are}",
        hint="Name one of these, or the folder of several; what a script writes under ./outputs is among them.",
    )
