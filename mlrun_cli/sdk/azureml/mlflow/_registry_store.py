"""MLflow's model registry of a workspace, whose models are those of `mlrun model`."""

import os
import posixpath
from importlib import import_module
from typing import Any, Dict, Iterable, List
from urllib.parse import unquote, urlparse

from azureml._client.client import get_client
from azureml._wire.tracking_uri import build_tracking_uri, parse_artifact_uri, parse_workspace
from azureml.mlflow._entities import create_entity, to_milliseconds
from azureml.mlflow._errors import DOES_NOT_EXIST, convert_errors, create_error

_AbstractStore: Any = import_module("mlflow.store.model_registry.abstract_store").AbstractStore
_STAGE = "mlflow.stage"
_MODEL_ID = "mlflow.modelId"
_SOURCE = "mlflow.source"
_OWN_TAGS = (_STAGE,)
_NO_STAGE, _ARCHIVED = "None", "Archived"
_MAX_RESULTS = 100


class RegistryStore(_AbstractStore):  # type: ignore[misc]
    """The models of a workspace, named by its URI."""

    def __init__(self, store_uri: str) -> None:
        try:
            self._names = parse_workspace(store_uri)
        except ValueError as error:
            raise create_error(str(error)) from error
        try:
            super().__init__(store_uri, build_tracking_uri(self._names))
        except TypeError:  # before MLflow 2
            super().__init__()

    # Models

    def create_registered_model(
        self, name: str, tags: "Iterable[Any] | None" = None, description: "str | None" = None, *_: Any, **__: Any
    ) -> Any:
        """Create a registered model without any versions, and return it."""
        self._request("tracking.create_registered_model", name=name)
        self._update_registered_model(
            name, description=description, tags={tag.key: str(tag.value) for tag in tags or ()}
        )
        return self.get_registered_model(name)

    def update_registered_model(self, name: str, description: "str | None", *_: Any, **__: Any) -> Any:
        """Set the description of a registered model, and return the model."""
        self._update_registered_model(name, description=description)
        return self.get_registered_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Raise MlflowException, since models cannot be renamed."""
        raise create_error(f"The model '{name}' keeps its name: register its files as '{new_name}'.")

    def delete_registered_model(self, name: str) -> None:
        """Delete a model and all of its versions."""
        self.get_registered_model(name)
        self._request("tracking.delete_registered_model", name=name)

    def get_registered_model(self, name: str) -> Any:
        """Return the registered model with this name and, in each stage, its newest version."""
        for record in self._request("tracking.registered_models"):
            if record["name"] == name:
                return self._build_registered_model(record, self._list_version_records(name))
        raise create_error(f"Registered Model with name={name} not found", DOES_NOT_EXIST)

    def list_registered_models(self, max_results: int = _MAX_RESULTS, page_token: "str | None" = None) -> Any:
        """Return a page of the models, for clients of MLflow 1."""
        return self.search_registered_models(None, max_results, None, page_token)

    def search_registered_models(
        self,
        filter_string: "str | None" = None,
        max_results: "int | None" = None,
        order_by: "List[str] | None" = None,
        page_token: "str | None" = None,
    ) -> Any:
        """Return a page of the models that match a filter."""
        versions: Dict[str, List[Any]] = {}
        for record in self._request("models.list"):
            versions.setdefault(record["name"], []).append(record)
        records = self._request("tracking.registered_models")
        models = [self._build_registered_model(record, versions.get(record["name"], [])) for record in records]
        return _search_and_paginate("SearchModelUtils", models, filter_string, order_by, page_token, max_results)

    def get_latest_versions(self, name: str, stages: "List[str] | None" = None) -> "List[Any]":
        """Return the newest version of a model in each of the given stages, by default in all."""
        return [
            version
            for version in self.get_registered_model(name).latest_versions
            if stages is None or version.current_stage.lower() in [stage.lower() for stage in stages]
        ]

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a tag on a registered model."""
        self._update_registered_model(name, tags={tag.key: str(tag.value)})

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag from a registered model."""
        self._update_registered_model(name, tags={key: None})

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> None:
        """Set an alias of a model to one of its versions."""
        self._update_registered_model(name, aliases={alias: int(version)})

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias from a model."""
        self._update_registered_model(name, aliases={alias: None})

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the model version to which an alias refers."""
        version = self.get_registered_model(name).aliases.get(alias)
        if version is None:
            raise create_error(f"Registered model alias {alias} not found.")
        return self.get_model_version(name, version)

    # Versions

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: "str | None" = None,
        tags: "Iterable[Any] | None" = None,
        run_link: "str | None" = None,
        description: "str | None" = None,
        local_model_path: "str | None" = None,
        model_id: "str | None" = None,
        **_: Any,
    ) -> Any:
        """Register a copy of the files at a URI as the next version of a model, and return this version."""
        del run_link
        model = {
            "name": name,
            "description": description,
            "tags": {tag.key: str(tag.value) for tag in tags or ()},
            "properties": {key: value for key, value in ((_SOURCE, source), (_MODEL_ID, model_id)) if value},
            "framework": "MLflow",
            "run_id": run_id,
        }
        uri = self._resolve_source(source)
        if uri.startswith("azureml:"):
            of_run, path = parse_artifact_uri(uri)
            found = self._request("models.register_from_run", model=model, run_id=of_run, path=path)
            if "missing" in found:
                raise create_error(found["missing"], DOES_NOT_EXIST)
            return self._build_model_version(found["model"])
        path = local_model_path or (unquote(urlparse(uri).path) if uri.startswith("file:") else uri)
        return self._build_model_version(self._request("models.register", model=model, path=os.path.abspath(path)))

    def update_model_version(self, name: str, version: Any, description: "str | None" = None, *_: Any) -> Any:
        """Set the description of a model version, and return the version."""
        return self._update_model_version(name, version, description=description)

    def transition_model_version_stage(
        self, name: str, version: Any, stage: str, archive_existing_versions: bool = False
    ) -> Any:
        """Set the stage of a model version, optionally archive the others in that stage, and return the version."""
        stages: Any = import_module("mlflow.entities.model_registry.model_version_stages")
        wanted = stages.get_canonical_stage(stage)
        if archive_existing_versions:
            for other in self._list_version_records(name):
                if other["tags"].get(_STAGE) == wanted and str(other["version"]) != str(version):
                    self._update_model_version(name, other["version"], tags={_STAGE: _ARCHIVED})
        return self._update_model_version(name, version, tags={_STAGE: wanted})

    def delete_model_version(self, name: str, version: Any) -> None:
        """Delete a model version, including its files and aliases."""
        model = self.get_registered_model(name)
        self._request("models.delete", model_id=f"{name}:{version}")
        gone = {alias: None for alias, of in dict(getattr(model, "aliases", {})).items() if str(of) == str(version)}
        if gone:
            self._update_registered_model(name, aliases=gone)

    def get_model_version(self, name: str, version: Any) -> Any:
        """Return the model version with this name and number."""
        record = self._request("models.get", name=name, version=_parse_version_number(version))
        aliases = self._get_registered_model_record(name)["aliases"]
        return self._build_model_version(record, [alias for alias, of in aliases.items() if of == record["version"]])

    def get_model_version_download_uri(self, name: str, version: Any) -> str:
        """Return the local URI of a model version's files."""
        from pathlib import Path

        return Path(self._request("models.path", name=name, version=_parse_version_number(version))).as_uri()

    def search_model_versions(
        self,
        filter_string: "str | None" = None,
        max_results: "int | None" = None,
        order_by: "List[str] | None" = None,
        page_token: "str | None" = None,
    ) -> Any:
        """Return a page of the model versions that match a filter."""
        found = [self._build_model_version(record) for record in self._request("models.list")]
        return _search_and_paginate("SearchModelVersionUtils", found, filter_string, order_by, page_token, max_results)

    def set_model_version_tag(self, name: str, version: Any, tag: Any) -> None:
        """Set a tag on a model version."""
        self._update_model_version(name, version, tags={tag.key: str(tag.value)})

    def delete_model_version_tag(self, name: str, version: Any, key: str) -> None:
        """Remove a tag from a model version."""
        self._update_model_version(name, version, removed_tags=[key])

    # Inside

    def _request(self, call: str, **arguments: Any) -> Any:
        with convert_errors(**arguments):
            return get_client().request(call, workspace=self._names, timeout_seconds=24 * 3600.0, **arguments)

    def _update_registered_model(self, name: str, **changes: Any) -> None:
        self._request("tracking.update_registered_model", name=name, **changes)

    def _update_model_version(self, name: str, version: Any, **changes: Any) -> Any:
        record = self._request("models.update", model_id=f"{name}:{_parse_version_number(version)}", **changes)
        return self._build_model_version(record)

    def _get_registered_model_record(self, name: str) -> "Dict[str, Any]":
        """Return the record of a registered model or, for an unknown name, one with empty `aliases` only."""
        return next(
            (one for one in self._request("tracking.registered_models") if one["name"] == name), {"aliases": {}}
        )

    def _list_version_records(self, name: str) -> "List[Dict[str, Any]]":
        found: List[Dict[str, Any]] = self._request("models.list", name=name)
        return found

    def _resolve_source(self, source: str) -> str:
        """Return the URI of the files to which an MLflow URI refers; other URIs are unchanged."""
        if source.startswith("runs:/"):
            run_id, _, path = source[len("runs:/") :].partition("/")
            return posixpath.join(build_tracking_uri(self._names), f"experiments/-/runs/{run_id}/artifacts", path)
        if source.startswith("models:/"):
            name, _, version = source[len("models:/") :].strip("/").partition("/")
            if version:
                return self.get_model_version_download_uri(name, version)
            from azureml.mlflow._tracking_store import TrackingStore

            model = TrackingStore(build_tracking_uri(self._names)).get_logged_model(name)
            return str(model.artifact_location)
        return source

    def _build_registered_model(self, record: "Dict[str, Any]", versions: "List[Dict[str, Any]]") -> Any:
        entities: Any = import_module("mlflow.entities.model_registry")
        newest: Dict[str, Any] = {}
        for each in versions:  # newest first
            version = self._build_model_version(each)
            newest.setdefault(version.current_stage, version)
        alias = getattr(entities, "RegisteredModelAlias", None)
        return create_entity(
            entities.RegisteredModel,
            name=record["name"],
            creation_timestamp=record["created_at"],
            last_updated_timestamp=record["modified_at"],
            description=record["description"] or "",
            latest_versions=list(newest.values()),
            tags=[entities.RegisteredModelTag(key, value) for key, value in record["tags"].items()],
            aliases=[] if alias is None else [alias(name, str(version)) for name, version in record["aliases"].items()],
        )

    def _build_model_version(self, record: "Dict[str, Any]", aliases: "List[str] | None" = None) -> Any:
        entities: Any = import_module("mlflow.entities.model_registry")
        tags = {key: value for key, value in record["tags"].items() if key not in _OWN_TAGS}
        return create_entity(
            entities.ModelVersion,
            name=record["name"],
            version=str(record["version"]),
            creation_timestamp=to_milliseconds(record["createdTime"]),
            last_updated_timestamp=to_milliseconds(record["modifiedTime"]),
            description=record["description"] or "",
            user_id=record["createdBy"]["userName"],
            current_stage=record["tags"].get(_STAGE, _NO_STAGE),
            source=record["properties"].get(_SOURCE, record["url"]),
            run_id=record["runId"],
            tags=[entities.ModelVersionTag(key, value) for key, value in tags.items()],
            aliases=aliases or [],
            model_id=record["properties"].get(_MODEL_ID),
        )


def _parse_version_number(version: Any) -> int:
    """Return a model version as an integer; raise MlflowException if it is not a number."""
    try:
        return int(version)
    except (TypeError, ValueError):
        raise create_error(f"The version of a model is a number, not {version!r}.") from None


def _filter_model_versions(versions: "List[Any]", filter_string: "str | None") -> Any:
    """Return the model versions that match a filter; MLflow 1, unlike later versions, cannot parse such filters."""
    import re

    if filter_string:
        match = re.fullmatch(
            r"\s*(name|run_id|source_path)\s*(=|LIKE|ILIKE)\s*(['\"])(.*)\3\s*", filter_string, re.IGNORECASE
        )
        if match is None:
            raise create_error(f"The filter {filter_string!r} is not like name='…', run_id='…' or source_path='…'.")
        attribute = "source" if match[1] == "source_path" else match[1]
        flags = re.DOTALL if match[2] in ("=", "LIKE", "like") else re.DOTALL | re.IGNORECASE
        wanted = re.escape(match[4])
        pattern = re.compile(wanted if match[2] == "=" else wanted.replace("%", ".*").replace("_", "."), flags)
        versions = [each for each in versions if pattern.fullmatch(getattr(each, attribute) or "")]
    return import_module("mlflow.store.entities.paged_list").PagedList(versions, None)


def _search_and_paginate(
    search_class_name: str,
    entities: "List[Any]",
    filter_string: "str | None",
    order_by: "List[str] | None",
    page_token: "str | None",
    max_results: "int | None",
) -> Any:
    """Return a page of the entities that match a filter, using one of MLflow's search classes."""
    module: Any = import_module("mlflow.utils.search_utils")
    if not hasattr(module, "SearchModelVersionUtils"):
        return _filter_model_versions(entities, filter_string)
    search = getattr(module, search_class_name)
    ordered = search.sort(search.filter(entities, filter_string), order_by)
    page, token = search.paginate(ordered, page_token, max_results or _MAX_RESULTS)
    return import_module("mlflow.store.entities.paged_list").PagedList(page, token)
