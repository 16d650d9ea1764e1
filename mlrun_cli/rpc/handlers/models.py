"""Questions about models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import models as actions
from mlrun_cli.actions.models import ModelChanges, ModelPathNotFound
from mlrun_cli.errors import UsageError
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel, PairFilter, name_and_version
from mlrun_cli.rpc.context import Place

_DETAILS = frozenset(ModelDetails._fields)


def register(
    place: Place,
    model: Mapping[str, Any],
    path: str,
    child_paths: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The record of a model made of a file or folder of this machine.

    Args:
        place: which workspace.
        model: fields of `NewModel`, and of `ModelDetails` under `details`.
        path: absolute.
        child_paths: what of it; None means all.
    """
    registered = actions.register_model(place.workspace, _new(model), Path(path), child_paths)
    return _record(place, registered)


def register_from_run(place: Place, model: Mapping[str, Any], run_id: str, path: str | None = None) -> dict[str, Any]:
    """The record under `model`, of a model made of a run's files; under `missing` that the run has no such files."""
    workspace = place.workspace
    try:
        registered = actions.register_run_files(workspace, _new(model), workspace.runs.get(run_id), path)
    except ModelPathNotFound as error:
        return {"missing": error.message}
    return {"model": _record(place, registered)}


def get(place: Place, **which: Any) -> dict[str, Any]:
    """The record of the newest model that is meant; `which` as for `list`."""
    return _record(place, actions.get_model(place.workspace, _filter(**which)))


def list_models(place: Place, **which: Any) -> Sequence[dict[str, Any]]:
    """The records of the models that are meant, newest first; `which` is as `_filter` takes it."""
    return [_record(place, model) for model in actions.list_models(place.workspace, _filter(**which))]


def update(
    place: Place,
    model_id: str,
    tags: Mapping[str, Any] | None = None,
    replaces_tags: bool = False,
    removed_tags: Sequence[str] = (),
    properties: Mapping[str, Any] | None = None,
    description: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record after the change; `details` are fields of `ModelDetails`."""
    changes = ModelChanges(
        tags=_texts(tags),
        replaces_tags=replaces_tags,
        removed_tags=removed_tags,
        properties=_texts(properties),
        description=description,
        details=_details(details or {}),
    )
    return _record(place, actions.update_model(place.workspace, _model(place, model_id), changes))


def delete(place: Place, model_id: str) -> None:
    """Delete a model with its files."""
    actions.delete_model(place.workspace, _model(place, model_id))


def download(place: Place, model_id: str, folder: str, overwrite: bool = False) -> str:
    """Where the file or folder of the model is, after it has been copied into a folder."""
    model = _model(place, model_id)
    return str(actions.download_model(place.workspace, model, Path(folder), overwrite=overwrite))


def path_of(place: Place, name: str, version: int | None = None) -> str:
    """Where the file or folder of a model lies, the newest when there is no version."""
    return str(actions.model_path(place.workspace, actions.get_model(place.workspace, _filter(name, version))))


def _record(place: Place, model: Model) -> dict[str, Any]:
    return actions.record_of(place.workspace, model)


def _model(place: Place, model_id: str) -> Model:
    name, version = name_and_version(model_id)
    return place.workspace.models.get(name, version)


def _new(model: Mapping[str, Any]) -> NewModel:
    details = ModelDetails(**_details(model.get("details", {})))
    texts = {"tags": _texts(model.get("tags")), "properties": _texts(model.get("properties"))}
    return NewModel(**{**model, **texts, "details": details})


def _details(details: Mapping[str, Any]) -> dict[str, Any]:
    unknown = details.keys() - _DETAILS
    if unknown:
        raise UsageError(f"A model has no {', '.join(sorted(unknown))}.")
    if "datasets" not in details:
        return dict(details)
    return {**details, "datasets": tuple((purpose, guid) for purpose, guid in details["datasets"])}


def _filter(
    name: str | None = None,
    version: int | None = None,
    tags: Iterable[Any] | None = None,
    properties: Iterable[Any] | None = None,
    run_id: str | None = None,
    dataset_id: str | None = None,
    framework: str | None = None,
    latest: bool = False,
) -> ModelFilter:
    """What is meant; the name may be an id, a tag or property is a key or a list of a key and a value."""
    if name is not None:
        name, of_id = name_and_version(name)
        version = of_id if version is None else version
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise UsageError(f"The version {version!r} is no whole number.", hint="Write it as in version=1.")
    return ModelFilter(
        name, version, _pairs(tags or ()), _pairs(properties or ()), run_id, dataset_id, framework, latest
    )


def _pairs(wanted: Iterable[Any]) -> tuple[PairFilter, ...]:
    return tuple(PairFilter(one) if isinstance(one, str) else PairFilter(one[0], str(one[1])) for one in wanted)


def _texts(pairs: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: "" if value is None else str(value) for key, value in (pairs or {}).items()}


CALLS = {
    "register": register,
    "register_from_run": register_from_run,
    "get": get,
    "list": list_models,
    "update": update,
    "delete": delete,
    "download": download,
    "path": path_of,
}
