"""MLflow's tracking store of a workspace, which logs to the script's own run or to runs that the script starts.

One class serves MLflow 1.30, 2 and 3: what a version does not have is not called, and entities are built by the names
of parameters that their constructors have.
"""

from heapq import merge
from importlib import import_module
from itertools import islice
from typing import Any, Iterable, Iterator, List, Tuple

from azureml._wire.tracking_uri import parse_workspace
from azureml.mlflow._entities import (
    PARENT,
    RUN_NAME,
    SOURCE,
    USER,
    build_run,
    build_run_info,
    build_tags,
    find_entity_class,
)
from azureml.mlflow._errors import DOES_NOT_EXIST, convert_errors, create_error
from azureml.mlflow._experiments import check_max_results
from azureml.mlflow._logged_models import LoggedModelMethods
from azureml.mlflow._run_access import ENDINGS
from azureml.mlflow._run_writer import check_metrics, check_params, check_tags

_AbstractStore: Any = import_module("mlflow.store.tracking.abstract_store").AbstractStore
_ACTIVE_ONLY, _DELETED_ONLY = 1, 2


class TrackingStore(LoggedModelMethods, _AbstractStore):  # type: ignore[misc]
    """The tracking store of a workspace, named by its URI."""

    def __init__(self, store_uri: str) -> None:
        with convert_errors():
            try:
                self.names = parse_workspace(store_uri)
            except ValueError as error:
                raise create_error(str(error)) from error
        self.writers = {}
        self.model_runs = {}
        super().__init__()

    # Runs

    def create_run(
        self,
        experiment_id: str,
        user_id: str,
        start_time: int,
        tags: "Iterable[Any] | None",
        run_name: "str | None" = None,
    ) -> Any:
        """Return the script's own run on the first call; on later calls, and outside of a run, create a run.

        A new run is a child of the one that its tags name or, in a submitted script, of the script's run. A parent that
        this workspace does not have, as that of a copied run, remains a tag.
        """
        del user_id
        wanted = {tag.key: str(tag.value) for tag in tags or ()}
        parent = wanted.pop(PARENT, None)
        name = run_name or wanted.pop(RUN_NAME, None)
        joined = None if parent else self.join_run(experiment_id)
        if joined is None:
            record = self.start_run(experiment_id, parent or self.find_own_run_id(), name)
            if parent and record.get("parent_run_id") != parent:
                wanted[PARENT] = parent
            properties = {key: value for key, value in wanted.items() if key.startswith(SOURCE)}
            if properties:
                self.request("runs.add_properties", run_id=record["run_id"], properties=properties)
            joined = str(record["run_id"])
            name = None
            self.set_run_times(joined, started_at=start_time)
        given = {key: value for key, value in wanted.items() if not key.startswith(SOURCE) and key != USER}
        if name is not None:
            given[RUN_NAME] = name
        self.set_run_tags(joined, given)
        return self.get_run(joined)

    def get_run(self, run_id: str) -> Any:
        """Return the run with this id, even if it is deleted."""
        return build_run(self.names, self.get_run_record(run_id))

    def update_run_info(
        self, run_id: str, run_status: Any, end_time: "int | None", run_name: "str | None" = None
    ) -> Any:
        """End or rename a run, and return its `RunInfo`.

        The script's own run ends when its process has ended; a status of failure is kept for then.
        """
        if run_name:
            self.request("runs.update", run_id=run_id, display_name=run_name)
        status = None if run_status is None else find_entity_class("RunStatus").to_string(run_status)
        if status in ENDINGS:
            self.end_run(run_id, status)
            self.set_run_times(run_id, ended_at=end_time)
        return build_run_info(self.names, self.get_run_record(run_id))

    def delete_run(self, run_id: str) -> None:
        """Move a run to the trash, unless it is already there."""
        if not self.get_run_record(run_id)["is_deleted"]:
            self.request("tracking.delete_run", run_id=run_id)
            self.writers.pop(run_id, None)

    def restore_run(self, run_id: str) -> None:
        """Restore a run from the trash."""
        self.request("tracking.restore_run", run_id=run_id)

    def _search_runs(
        self,
        experiment_ids: "List[str]",
        filter_string: "str | None",
        run_view_type: int,
        max_results: int,
        order_by: "List[str] | None",
        page_token: "str | None",
    ) -> "Tuple[List[Any], str | None]":
        check_max_results(max_results)
        search: Any = import_module("mlflow.utils.search_utils").SearchUtils
        names = [self.get_experiment_record(experiment_id)["name"] for experiment_id in experiment_ids]
        wanted = None if order_by else search.parse_start_offset_from_page_token(page_token) + max_results + 1
        streams = [
            (run for runs in pages for run in search.filter(runs, filter_string))
            for pages in (self._iterate_pages(names, run_view_type), self._iterate_deleted(names, run_view_type))
        ]
        merged = merge(*streams, key=lambda run: (-run.info.start_time, run.info.run_id))  # MLflow's order
        found = list(islice(merged, wanted))
        if order_by:
            found = search.sort(found, order_by)
        page, token = search.paginate(found, page_token, max_results)
        return page, token

    def _iterate_pages(self, experiment_names: "List[str]", view_type: int) -> "Iterator[List[Any]]":
        """Yield pages of the active runs in the given experiments, in MLflow's order without `order_by`."""
        for records in self.iterate_record_pages([] if view_type == _DELETED_ONLY else experiment_names):
            yield [build_run(self.names, record) for record in records]

    def _iterate_deleted(self, experiment_names: "List[str]", view_type: int) -> "Iterator[List[Any]]":
        """Yield all deleted runs in the given experiments in the same order."""
        if view_type != _ACTIVE_ONLY and experiment_names:
            deleted = self.request("tracking.deleted_runs", experiment_names=experiment_names)
            deleted.sort(key=lambda record: (-record["start_time"], record["run_id"]))
            yield [build_run(self.names, record) for record in deleted]

    def search_traces(self, *_: Any, **__: Any) -> "Tuple[List[Any], str | None]":
        """Return an empty page: workspaces have no traces."""
        return [], None

    def search_datasets(self, *_: Any, **__: Any) -> Any:
        """Return an empty page: workspaces have no evaluation datasets of MLflow 3."""
        return import_module("mlflow.store.entities.paged_list").PagedList([], None)

    # Values

    def log_metric(self, run_id: str, metric: Any) -> None:
        """Log one value of a metric of a run."""
        check_metrics([metric])
        with convert_errors():
            self.get_writer(run_id).log_metric(metric)
        self.log_model_metrics(run_id, [metric])

    def log_param(self, run_id: str, param: Any) -> None:
        """Log a parameter of a run; raise MlflowException if it was logged with another value."""
        check_params([param])
        with convert_errors():
            self.get_writer(run_id).log_params([param])

    def set_tag(self, run_id: str, tag: Any) -> None:
        """Set a tag on a run."""
        check_tags([tag])
        self.set_run_tags(run_id, {tag.key: tag.value})

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag from a run; raise MlflowException if the tag does not exist."""
        if key not in build_tags(self.get_run_record(run_id)):
            raise create_error(f"No tag with name: {key} in run with id {run_id}", DOES_NOT_EXIST)
        with convert_errors():
            self.get_writer(run_id).delete_tag(key)

    def log_batch(self, run_id: str, metrics: "List[Any]", params: "List[Any]", tags: "List[Any]") -> None:
        """Log metrics, parameters and tags, or nothing if one of them is not valid."""
        check_metrics(metrics or (), "metrics")
        check_params(list(params or ()), "params")
        check_tags(tags or (), "tags")
        with convert_errors():
            writer = self.get_writer(run_id)
            writer.log_params(params or ())
            for metric in metrics or ():
                writer.log_metric(metric)
        self.set_run_tags(run_id, {tag.key: tag.value for tag in tags or ()})
        self.log_model_metrics(run_id, metrics or ())

    def get_metric_history(
        self, run_id: str, metric_key: str, max_results: "int | None" = None, page_token: "str | None" = None
    ) -> Any:
        """Return a metric's values in logging order: all of them or, with `max_results`, a page."""
        metric: Any = find_entity_class("Metric")
        page: List[Any] = []
        after: Any = int(page_token or 0)
        while after is not None:
            found = self.request(
                "tracking.metric_history", run_id=run_id, name=metric_key, after=after, limit=max_results
            )
            page += (metric(metric_key, value, at, step) for value, at, step in found["points"])
            after = found["next"]
            if max_results is not None:
                break
        paged: Any = import_module("mlflow.store.entities.paged_list").PagedList
        return paged(page, None if after is None else str(after))
