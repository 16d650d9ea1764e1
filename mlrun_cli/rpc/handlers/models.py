"""Handlers of requests about models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import models as actions
from mlrun_cli.actions.models import ModelChanges
from mlrun_cli.errors import BadRequest, ModelFileNotFound, UsageError
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel, PairFilter, split_model_id
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler

_DETAILS = frozenset(ModelDetails._fields)
_FIELDS = frozenset(NewModel._fields)
_Pairs = Sequence[str | Sequence[Any]]


@handler("models.register")
def register_model(
    context: RequestContext,
    model: Mapping[str, Any],
    path: str,
    child_paths: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Register a file or folder of this machine as a model; return its record.

    Args:
        context: the context of the request.
        model: fields of `NewModel`, and of `ModelDetails` under `details`.
        path: the absolute path of the file or folder.
        child_paths: the paths in the folder to register; None means all.
    """
    registered = actions.register_model(context.workspace, _parse_new_model(model), Path(path), child_paths)
    return _build_record(context, registered)


@handler("models.register_from_run")
def register_model_from_run(
    context: RequestContext, model: Mapping[str, Any], run_id: str, path: str | None = None
) -> dict[str, Any]:
    """Register a run's files as a model; return its record as `model` or a message about missing files as `missing`."""
    workspace = context.workspace
    try:
        registered = actions.register_run_files(workspace, _parse_new_model(model), workspace.runs.get(run_id), path)
    except ModelFileNotFound as error:
        return {"missing": error.message}
    return {"model": _build_record(context, registered)}


@handler("models.get", only_reads=True)
def get_model(
    context: RequestContext,
    name: str | None = None,
    version: int | None = None,
    tags: _Pairs | None = None,
    properties: _Pairs | None = None,
    run_id: str | None = None,
    framework: str | None = None,
) -> dict[str, Any]:
    """Return the record of the newest model that matches the arguments (see `_build_filter`)."""
    which = _build_filter(name, version, tags, properties, run_id=run_id, framework=framework)
    return _build_record(context, actions.get_model(context.workspace, which))


@handler("models.list", only_reads=True)
def list_models(
    context: RequestContext,
    name: str | None = None,
    tags: _Pairs | None = None,
    properties: _Pairs | None = None,
    run_id: str | None = None,
    dataset_id: str | None = None,
    framework: str | None = None,
    latest: bool = False,
) -> Sequence[dict[str, Any]]:
    """Return the records of the models that match the filter built by `_build_filter`, newest first."""
    which = _build_filter(name, None, tags, properties, run_id, dataset_id, framework, latest=latest)
    return [_build_record(context, model) for model in actions.list_models(context.workspace, which)]


@handler("models.update")
def update_model(
    context: RequestContext,
    model_id: str,
    tags: Mapping[str, Any] | None = None,
    replaces_tags: bool = False,
    removed_tags: Sequence[str] = (),
    properties: Mapping[str, Any] | None = None,
    description: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Update a model, including the fields of `ModelDetails` that are given in `details`; return the model's record."""
    changes = ModelChanges(
        tags=_convert_to_strings(tags),
        replaces_tags=replaces_tags,
        removed_tags=removed_tags,
        properties=_convert_to_strings(properties),
        description=description,
        details=_parse_details(details or {}),
    )
    return _build_record(context, actions.update_model(context.workspace, _get_model(context, model_id), changes))


@handler("models.delete")
def delete_model(context: RequestContext, model_id: str) -> None:
    """Delete a model and its files."""
    actions.delete_model(context.workspace, _get_model(context, model_id))


@handler("models.download", only_reads=True)
def download_model(context: RequestContext, model_id: str, folder: str, overwrite: bool = False) -> str:
    """Copy a model's file or folder into a folder; return the path of the copy."""
    model = _get_model(context, model_id)
    return str(actions.download_model(context.workspace, model, Path(folder), overwrite=overwrite))


@handler("models.path", only_reads=True)
def get_path(context: RequestContext, name: str, version: int | None = None) -> str:
    """Return the path of the file or folder of a model version, by default the newest."""
    return str(
        actions.get_model_path(context.workspace, actions.get_model(context.workspace, _build_filter(name, version)))
    )


def _build_record(context: RequestContext, model: Model) -> dict[str, Any]:
    return actions.build_model_record(context.workspace, model)


def _get_model(context: RequestContext, model_id: str) -> Model:
    name, version = split_model_id(model_id)
    return context.workspace.models.get(name, version)


def _parse_new_model(model: Mapping[str, Any]) -> NewModel:
    unknown = model.keys() - _FIELDS
    if unknown:
        raise BadRequest(f"A model has no {', '.join(sorted(unknown))}.")
    if not isinstance(model.get("name"), str):
        raise BadRequest(f"The name of a model must be a string, not {model.get('name')!r}.")
    details = ModelDetails(**_parse_details(model.get("details", {})))
    texts = {"tags": _convert_to_strings(model.get("tags")), "properties": _convert_to_strings(model.get("properties"))}
    return NewModel(**{**model, **texts, "details": details})


def _parse_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return model details with their keys validated and their datasets converted to tuples."""
    unknown = details.keys() - _DETAILS
    if unknown:
        raise UsageError(f"A model has no {', '.join(sorted(unknown))}.")
    if "datasets" not in details:
        return dict(details)
    return {**details, "datasets": tuple((purpose, guid) for purpose, guid in details["datasets"])}


def _build_filter(
    name: str | None = None,
    version: int | None = None,
    tags: _Pairs | None = None,
    properties: _Pairs | None = None,
    run_id: str | None = None,
    dataset_id: str | None = None,
    framework: str | None = None,
    latest: bool = False,
) -> ModelFilter:
    """Return a model filter; `name` may also be an id, and each tag or property is a key or a `[key, value]` list."""
    if name is not None:
        name, of_id = split_model_id(name)
        version = of_id if version is None else version
    return ModelFilter(
        name,
        version,
        _build_pair_filters(tags or ()),
        _build_pair_filters(properties or ()),
        run_id,
        dataset_id,
        framework,
        latest,
    )


def _build_pair_filters(pairs: _Pairs) -> tuple[PairFilter, ...]:
    """Return a filter for each tag or property, given as a key or as a `[key, value]` list."""
    return tuple(PairFilter(one) if isinstance(one, str) else PairFilter(one[0], str(one[1])) for one in pairs)


def _convert_to_strings(pairs: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: "" if value is None else str(value) for key, value in (pairs or {}).items()}
