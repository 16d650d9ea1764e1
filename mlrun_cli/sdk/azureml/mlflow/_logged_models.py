"""The methods of MLflow's tracking store about the datasets (MLflow 2.4) and logged models (MLflow 3) of runs.

Their documents are tags of the run, which MLflow's clients do not see as tags.
"""

import json
from importlib import import_module
from itertools import chain, islice
from time import time
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from azureml._wire.tracking_uri import build_artifact_uri
from azureml.mlflow._entities import (
    DATASET_INPUT,
    HAS_MODELS,
    LOGGED_MODEL,
    MODEL_INPUT,
    MODEL_METRIC,
    MODEL_OUTPUT,
    build_tags,
    create_entity,
    find_entity_class,
    iterate_tag_documents,
)
from azureml.mlflow._errors import DOES_NOT_EXIST, convert_errors, create_error
from azureml.mlflow._run_access import RunAccess

_DATASET_FIELDS = ("name", "digest", "source_type", "source", "schema", "profile")
_HISTORY = "mlflow.log-model.history"
_MAX_MODELS = 100
_MAX_DATASETS = 1000
_DATASET_CONTEXT = "mlflow.data.context"
_DELETED = "deleted"


class LoggedModelMethods(RunAccess):
    """Methods of MLflow's tracking store about logged models and the inputs and outputs of runs.

    Attributes:
        model_runs: The ids of the runs that models belong to, by the ids of models that this process has met.
    """

    model_runs: Dict[str, str]

    def log_inputs(self, run_id: str, datasets: "List[Any] | None" = None, models: "List[Any] | None" = None) -> None:
        """Record datasets and MLflow 3 models as inputs of a run."""
        moment = time()
        for place, each in enumerate(datasets or ()):
            document: Dict[str, Any] = {field: getattr(each.dataset, field) for field in _DATASET_FIELDS}
            document["tags"] = [[tag.key, tag.value] for tag in each.tags or ()]
            document["logged_at"] = [moment, place]
            self._set_document(run_id, f"{DATASET_INPUT}{each.dataset.name}.{each.dataset.digest}", document)
        for model in models or ():
            self._set_document(run_id, f"{MODEL_INPUT}{model.model_id}", {})

    def _search_datasets(self, experiment_ids: "List[str]") -> "List[Any]":
        """Return summaries of the different datasets of the active runs in experiments, for MLflow's pages."""
        found: Dict[Tuple[str, str, str, Any], None] = {}
        names = [self.get_experiment_record(experiment_id)["name"] for experiment_id in experiment_ids]
        for record in chain.from_iterable(self.iterate_record_pages(names)):
            for _, document in iterate_tag_documents(record["tags"], DATASET_INPUT):
                context = dict(document["tags"]).get(_DATASET_CONTEXT)
                found[(record["experiment_id"], document["name"], document["digest"], context)] = None
            if len(found) >= _MAX_DATASETS:
                break
        summary: Any = find_entity_class("_DatasetSummary")
        return [summary(*values) for values in islice(found, _MAX_DATASETS)]

    def log_outputs(self, run_id: str, models: "List[Any]") -> None:
        """Record MLflow 3 models as outputs of a run."""
        for model in models:
            self._set_document(run_id, f"{MODEL_OUTPUT}{model.model_id}", model.step)

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Add a model to the model history in the run's tags, in the format of MLflow 1 and 2."""
        found = build_tags(self.get_run_record(run_id)).get(_HISTORY)
        history = json.loads(found) if found else []
        history.append(
            mlflow_model.get_tags_dict() if hasattr(mlflow_model, "get_tags_dict") else mlflow_model.to_dict()
        )
        with convert_errors():
            self.get_writer(run_id).set_tags({_HISTORY: json.dumps(history)})

    def create_logged_model(
        self,
        experiment_id: str = "0",
        name: "str | None" = None,
        source_run_id: "str | None" = None,
        tags: "List[Any] | None" = None,
        params: "List[Any] | None" = None,
        model_type: "str | None" = None,
    ) -> Any:
        """Create and return a logged model of a run, by default of a new run.

        Its files are those of the run in a folder with the name of the model, or if another model of the run has that
        already, with its id.
        """
        from os import urandom

        own_name = name or "model"
        run_id = source_run_id
        if run_id is None:
            run_id = str(self.start_run(experiment_id, self.find_own_run_id(), own_name)["run_id"])
            self.end_run(run_id, "FINISHED")
        record = self.get_run_record(run_id)
        model_id = f"m-{urandom(16).hex()}"
        taken = {document["name"] for _, document in iterate_tag_documents(record["tags"], LOGGED_MODEL)}
        folder = own_name if own_name not in taken else f"{own_name}-{model_id}"
        moment = int(time() * 1000)
        document = {
            "artifact_location": f"{build_artifact_uri(self.names, record['experiment_id'], run_id)}/{folder}",
            "creation_timestamp": moment,
            "experiment_id": record["experiment_id"],
            "last_updated_timestamp": moment,
            "model_type": model_type,
            "name": own_name,
            "params": {param.key: param.value for param in params or ()},
            "source_run_id": source_run_id,
            "status": "PENDING",
            "tags": {tag.key: tag.value for tag in tags or ()},
        }
        self._set_document(run_id, LOGGED_MODEL + model_id, document)
        self._set_document(run_id, HAS_MODELS, True)
        self.model_runs[model_id] = run_id
        return self._build_logged_model(model_id, document, {})

    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Set the final status of a logged model and return the model."""
        self._update_logged_model(model_id, {"status": getattr(status, "value", status)})
        return self.get_logged_model(model_id)

    def set_logged_model_tags(self, model_id: str, tags: "List[Any]") -> None:
        """Set tags on a logged model."""
        before = self._get_run_and_logged_model(model_id)[1]["tags"]
        self._update_logged_model(model_id, {"tags": {**before, **{tag.key: str(tag.value) for tag in tags}}})

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag from a logged model; raise MlflowException if the tag does not exist."""
        tags = self._get_run_and_logged_model(model_id)[1]["tags"]
        if key not in tags:
            raise create_error(f"No tag with key {key!r} found for model with ID {model_id!r}.", DOES_NOT_EXIST)
        self._update_logged_model(model_id, {"tags": {name: tags[name] for name in tags if name != key}})

    def log_logged_model_params(self, model_id: str, params: "List[Any]") -> None:
        """Add parameters to a logged model."""
        before = self._get_run_and_logged_model(model_id)[1]["params"]
        self._update_logged_model(model_id, {"params": {**before, **{one.key: one.value for one in params}}})

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> Any:
        """Return the logged model with this id."""
        record, document = self._get_run_and_logged_model(model_id)
        if document.get(_DELETED) and not allow_deleted:
            raise create_error(f"Logged model with ID '{model_id}' not found.", DOES_NOT_EXIST)
        return self._build_logged_model(model_id, document, record["tags"])

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a logged model as deleted; its files remain in the run."""
        self._update_logged_model(model_id, {_DELETED: True})

    def search_logged_models(
        self,
        experiment_ids: "List[str]",
        filter_string: "str | None" = None,
        datasets: "List[Dict[str, Any]] | None" = None,
        max_results: "int | None" = None,
        order_by: "List[Dict[str, Any]] | None" = None,
        page_token: "str | None" = None,
    ) -> Any:
        """Return a page of the logged models in the given experiments that match a filter."""
        search: Any = import_module("mlflow.utils.search_utils").SearchLoggedModelsUtils
        models = [
            self._build_logged_model(model_id, document, record["tags"])
            for record in self._iterate_records(experiment_ids)
            for model_id, document in iterate_tag_documents(record["tags"], LOGGED_MODEL)
            if not document.get(_DELETED)
        ]
        found = search.sort(search.filter_logged_models(models, filter_string, datasets), order_by)
        page, token = search.paginate(found, page_token, max_results or _MAX_MODELS)
        return import_module("mlflow.store.entities.paged_list").PagedList(page, token)

    def log_model_metrics(self, run_id: str, metrics: "Iterable[Any]") -> None:
        """Store metrics of a run in the MLflow 3 models that they refer to, in addition to the run."""
        for metric in metrics:
            model_id = getattr(metric, "model_id", None)
            if model_id:
                owner = self.model_runs.get(model_id) or self._get_run_and_logged_model(model_id)[0]["run_id"]
                dataset = [metric.dataset_name, metric.dataset_digest]
                values = [metric.value, metric.timestamp, metric.step, *dataset, run_id]
                self._set_document(owner, f"{MODEL_METRIC}{model_id}.{metric.key}", values)

    def _update_logged_model(self, model_id: str, changes: "Dict[str, Any]") -> None:
        record, document = self._get_run_and_logged_model(model_id)
        changed = {**document, **changes, "last_updated_timestamp": int(time() * 1000)}
        self._set_document(record["run_id"], LOGGED_MODEL + model_id, changed)

    def _get_run_and_logged_model(self, model_id: str) -> Any:
        """Return the record of a logged model's run, and the model's document; raise MlflowException if unknown."""
        key = LOGGED_MODEL + model_id
        run_id = self.model_runs.get(model_id)
        if run_id is not None:
            record = self.get_run_record(run_id)
        else:
            found = self.request("runs.list", limit=1, tag_keys=[key], include_children=True)["runs"]
            if not found:
                raise create_error(f"Logged model with ID '{model_id}' not found.", DOES_NOT_EXIST)
            record = found[0]
            self.model_runs[model_id] = record["run_id"]
        return record, json.loads(record["tags"][key])

    def _build_logged_model(self, model_id: str, document: "Dict[str, Any]", tags: "Dict[str, Any]") -> Any:
        metric: Any = find_entity_class("Metric")
        kind: Any = find_entity_class("LoggedModel")
        values = {**document, "status": find_entity_class("LoggedModelStatus")(document["status"])}
        metrics = [
            metric(
                key=key,
                value=value,
                timestamp=timestamp,
                step=step,
                model_id=model_id,
                dataset_name=dataset_name,
                dataset_digest=digest,
                run_id=logging_run_ids[0] if logging_run_ids else document["source_run_id"],
            )
            # Values of older versions came without the run that had logged them.
            for key, (value, timestamp, step, dataset_name, digest, *logging_run_ids) in iterate_tag_documents(
                tags, f"{MODEL_METRIC}{model_id}."
            )
        ]
        return create_entity(kind, model_id=model_id, metrics=metrics or None, **values)

    def _set_document(self, run_id: str, tag_key: str, document: Any) -> None:
        with convert_errors():
            self.get_writer(run_id).set_document(tag_key, json.dumps(document))

    def _iterate_records(self, experiment_ids: "List[str]") -> "Iterator[Dict[str, Any]]":
        """Yield the records of those runs in the given experiments that have logged models."""
        for experiment_id in experiment_ids:
            name = self.get_experiment_record(experiment_id)["name"]
            wanted = {"experiment_name": name, "tag_keys": [HAS_MODELS], "include_children": True}
            before = None
            while True:
                page = self.request("runs.list", limit=_MAX_MODELS, before=before, **wanted)
                yield from page["runs"]
                before = page["next"]
                if before is None:
                    break
