"""Conversion of records to MLflow's entities, whose constructors differ between versions of MLflow."""

import inspect
import json
from functools import lru_cache
from importlib import import_module
from typing import Any, Dict, FrozenSet, Iterator, List, Tuple

from azureml._wire.tracking_uri import build_artifact_uri

ACTIVE, DELETED = "active", "deleted"

PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
USER = "mlflow.user"
SOURCE = "mlflow.source."

DATASET_INPUT = "mlflow.datasetInput."
LOGGED_MODEL = "mlflow.loggedModel."
HAS_MODELS = "mlflow.loggedModels"
MODEL_INPUT = "mlflow.modelInput."
MODEL_METRIC = "mlflow.modelMetric."
MODEL_OUTPUT = "mlflow.modelOutput."
_DOCUMENTS = (DATASET_INPUT, HAS_MODELS, LOGGED_MODEL, MODEL_INPUT, MODEL_METRIC, MODEL_OUTPUT)
"""Prefixes of the tags in which documents of a run are kept that are no tags to MLflow."""

_MLFLOW = "mlflow."


def find_entity_class(class_name: str) -> Any:
    """Return the class of `mlflow.entities` with this name, or None if this version of MLflow does not have it."""
    return getattr(import_module("mlflow.entities"), class_name, None)


def create_entity(entity_class: Any, **values: Any) -> Any:
    """Return a new instance of an MLflow class, omitting values that its constructor does not accept."""
    taken = _list_constructor_parameters(entity_class)
    return entity_class(**{name: value for name, value in values.items() if name in taken})


@lru_cache(maxsize=64)
def _list_constructor_parameters(entity_class: Any) -> "FrozenSet[str]":
    return frozenset(inspect.signature(entity_class.__init__).parameters)


def build_experiment(workspace_names: "Tuple[str, str, str]", record: "Dict[str, Any]") -> Any:
    """Return an MLflow `Experiment` built from an experiment's record."""
    created = to_milliseconds(record["createdUtc"])
    tags = {**record["tags"]}
    name = tags.pop(EXPERIMENT_NAME, None) or record["name"]
    if record["description"]:
        tags[NOTE] = record["description"]
    return create_entity(
        find_entity_class("Experiment"),
        experiment_id=record["experimentId"],
        name=name,
        artifact_location=build_artifact_uri(workspace_names, record["experimentId"], "").rpartition("/runs/")[0],
        lifecycle_stage=ACTIVE if record["archivedTime"] is None else DELETED,
        tags=[find_entity_class("ExperimentTag")(key, value or "") for key, value in tags.items()],
        creation_time=created,
        last_update_time=created,
    )


EXPERIMENT_NAME = "mlflow.experimentName"
"""The tag with MLflow's name of an experiment that has a character which names here do not have."""


def build_run_info(workspace_names: "Tuple[str, str, str]", record: "Dict[str, Any]") -> Any:
    """Return an MLflow `RunInfo` built from a run's record."""
    return create_entity(
        find_entity_class("RunInfo"),
        run_uuid=record["run_id"],
        run_id=record["run_id"],
        experiment_id=record["experiment_id"],
        user_id=record["user"],
        status=record["status"],
        start_time=record["start_time"],
        end_time=record["end_time"],
        lifecycle_stage=DELETED if record["is_deleted"] else ACTIVE,
        artifact_uri=build_artifact_uri(workspace_names, record["experiment_id"], record["run_id"]),
        run_name=record["name"] or record["run_id"],
    )


def build_run(workspace_names: "Tuple[str, str, str]", record: "Dict[str, Any]") -> Any:
    """Return an MLflow `Run` built from a run's record."""
    metric, param, tag = (find_entity_class(name) for name in ("Metric", "Param", "RunTag"))
    data = find_entity_class("RunData")(
        metrics=[metric(name, value, at, step) for name, value, at, step in record["metrics"]],
        params=[param(name, text) for name, text in record["params"].items()],
        tags=[tag(key, value) for key, value in build_tags(record).items()],
    )
    return create_entity(
        find_entity_class("Run"),
        run_info=build_run_info(workspace_names, record),
        run_data=data,
        run_inputs=_build_run_inputs(record["tags"]),
        run_outputs=_build_run_outputs(record["tags"]),
    )


def build_tags(record: "Dict[str, Any]") -> "Dict[str, str]":
    """Return the tags of a run for MLflow, including those for its name, parent and source."""
    tags = {
        RUN_NAME: record["name"] or record["run_id"],
        SOURCE + "name": record["script_name"],
        SOURCE + "type": "LOCAL" if record["script_name"] else None,
        USER: record["user"],
        NOTE: record["description"],
        PARENT: record["parent_run_id"],
        **{key: value for key, value in record["properties"].items() if key.startswith(_MLFLOW)},
    }
    found = {key: value for key, value in tags.items() if value is not None}
    found.update((key, value or "") for key, value in record["tags"].items() if not key.startswith(_DOCUMENTS))
    return found


def iterate_tag_documents(tags: "Dict[str, Any]", prefix: str) -> "Iterator[Tuple[str, Any]]":
    """Yield, for each tag whose key has the prefix, the rest of the key and the tag's parsed JSON document."""
    for key, value in tags.items():
        if key.startswith(prefix) and value:
            yield key[len(prefix) :], json.loads(value)


def _build_run_inputs(tags: "Dict[str, Any]") -> Any:
    kind = find_entity_class("RunInputs")
    if kind is None:
        return None
    dataset, dataset_input, tag = (find_entity_class(name) for name in ("Dataset", "DatasetInput", "InputTag"))
    datasets = [
        dataset_input(create_entity(dataset, **document), [tag(*pair) for pair in document["tags"]])
        for _, document in sorted(
            iterate_tag_documents(tags, DATASET_INPUT), key=lambda one: one[1].get("logged_at", [])
        )
    ]
    return create_entity(kind, dataset_inputs=datasets, model_inputs=_build_model_inputs(tags))


def _build_model_inputs(tags: "Dict[str, Any]") -> "List[Any]":
    kind = find_entity_class("LoggedModelInput")
    return [] if kind is None else [kind(model_id) for model_id, _ in iterate_tag_documents(tags, MODEL_INPUT)]


def _build_run_outputs(tags: "Dict[str, Any]") -> Any:
    kind, output = find_entity_class("RunOutputs"), find_entity_class("LoggedModelOutput")
    if kind is None or output is None:
        return None
    return kind(model_outputs=[output(model_id, step) for model_id, step in iterate_tag_documents(tags, MODEL_OUTPUT)])


def to_milliseconds(time: str) -> int:
    """Convert a time such as `2026-01-31T09:30:00.123456Z` to milliseconds since 1970."""
    from calendar import timegm
    from time import strptime

    seconds, _, fraction = time.rstrip("Z").partition("+")[0].partition(".")
    return timegm(strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 1000 + int(f"{fraction}000"[:3])
