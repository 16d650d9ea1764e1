"""The methods of MLflow's tracking store about experiments."""

from importlib import import_module
from numbers import Integral
from typing import Any, Dict, Iterable, List

from azureml._client.client import WorkspaceNames, get_client
from azureml.mlflow._entities import DELETED, EXPERIMENT_NAME, build_experiment
from azureml.mlflow._errors import ALREADY_EXISTS, DOES_NOT_EXIST, convert_errors, create_error

_DEFAULT_ID, _DEFAULT_NAME = "0", "Default"
_DEFAULT_RESULTS = 1000
_MAX_RESULTS = 50_000
_NOT_IN_NAMES = str.maketrans("/\\", "--")


def check_max_results(max_results: Any) -> None:
    """Raise MlflowException if `max_results` is outside MLflow's limits."""
    if not isinstance(max_results, Integral) or not 1 <= int(max_results) <= _MAX_RESULTS:
        raise create_error(
            f"Invalid value for request parameter max_results: it must be from 1 to {_MAX_RESULTS}, not {max_results}."
        )


def _check_name(name: Any) -> None:
    """Raise MlflowException if MLflow rejects the name of an experiment, or if it is blank."""
    import_module("mlflow.utils.validation")._validate_experiment_name(name)
    if not name.strip():
        raise create_error(f"Invalid experiment name: '{name}'")


class ExperimentMethods:
    """Methods of MLflow's tracking store about experiments."""

    names: WorkspaceNames

    def request(self, call: str, **arguments: Any) -> Any:
        """Send a request about the workspace and return its result; raise its errors as MLflow exceptions."""
        with convert_errors(**arguments):
            return get_client().request(call, workspace=self.names, **arguments)

    def search_experiments(
        self,
        view_type: int = 1,
        max_results: int = _DEFAULT_RESULTS,
        filter_string: "str | None" = None,
        order_by: "List[str] | None" = None,
        page_token: "str | None" = None,
    ) -> Any:
        """Return a page of the experiments that match a filter."""
        check_max_results(max_results)
        search: Any = import_module("mlflow.utils.search_utils").SearchExperimentsUtils
        found = self._list_experiments(view_type)
        ordered = search.sort(search.filter(found, filter_string), order_by or ["creation_time DESC"])
        page, token = search.paginate(ordered, page_token, max_results)
        return import_module("mlflow.store.entities.paged_list").PagedList(page, token)

    def list_experiments(
        self, view_type: int = 1, max_results: "int | None" = None, page_token: "str | None" = None
    ) -> Any:
        """Return a page of the experiments, oldest first, for clients of MLflow 1."""
        limit = _MAX_RESULTS if max_results is None else max_results
        return self.search_experiments(view_type, limit, order_by=["creation_time ASC"], page_token=page_token)

    def create_experiment(
        self, name: str, artifact_location: "str | None" = None, tags: "Iterable[Any] | None" = None
    ) -> str:
        """Create an experiment and return its id; the artifact location is ignored."""
        del artifact_location
        _check_name(name)
        if self.get_experiment_by_name(name) is not None:
            raise create_error(f"Experiment(name={name}) already exists.", ALREADY_EXISTS)
        own_name = name.translate(_NOT_IN_NAMES).strip()
        record = self.request("experiments.make", name=own_name)
        wanted = {tag.key: tag.value for tag in tags or ()}
        if own_name != name:
            wanted[EXPERIMENT_NAME] = name
        if wanted:
            self.request("experiments.update_tags", name=own_name, tags=wanted)
        return str(record["experimentId"])

    def get_experiment(self, experiment_id: str) -> Any:
        """Return the experiment with this id."""
        return build_experiment(self.names, self.get_experiment_record(experiment_id))

    def get_experiment_by_name(self, experiment_name: str) -> Any:
        """Return the experiment with this name, or None; MLflow's default experiment always exists."""
        if experiment_name == _DEFAULT_NAME:
            return self.get_experiment(_DEFAULT_ID)
        found = self._list_experiments(3)
        return next((experiment for experiment in found if experiment.name == experiment_name), None)

    def delete_experiment(self, experiment_id: str) -> None:
        """Archive an experiment without changing its runs."""
        self.request("experiments.archive", name=self._get_name(experiment_id, is_archived=False))

    def restore_experiment(self, experiment_id: str) -> None:
        """Reactivate an archived experiment."""
        self.request("experiments.reactivate", name=self._get_name(experiment_id, is_archived=True))

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Rename an experiment that is not archived."""
        _check_name(new_name)
        before = self._get_name(experiment_id, is_archived=False)
        own_name = new_name.translate(_NOT_IN_NAMES).strip()
        self.request("experiments.reactivate", name=before, new_name=own_name)
        tags = {EXPERIMENT_NAME: new_name} if own_name != new_name else {}
        self.request("experiments.update_tags", name=own_name, tags=tags, removed=[EXPERIMENT_NAME])
        if tags:
            self.request("experiments.update_tags", name=own_name, tags=tags)

    def set_experiment_tag(self, experiment_id: str, tag: Any) -> None:
        """Set a tag on an experiment."""
        name = self.get_experiment_record(experiment_id)["name"]
        self.request("experiments.update_tags", name=name, tags={tag.key: str(tag.value)})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag from an experiment."""
        name = self.get_experiment_record(experiment_id)["name"]
        self.request("experiments.update_tags", name=name, removed=[key])

    def get_experiment_record(self, experiment_id: str) -> "Dict[str, Any]":
        """Return the record of the experiment with this id, where 0 is the id of MLflow's default experiment."""
        if str(experiment_id) == _DEFAULT_ID:
            record: Dict[str, Any] = self.request("experiments.make", name=_DEFAULT_NAME)
            return record
        for record in self.request("experiments.list"):
            if record["experimentId"] == experiment_id:
                return record
        raise create_error(f"No Experiment with id={experiment_id} exists", DOES_NOT_EXIST)

    def _get_name(self, experiment_id: str, *, is_archived: bool) -> str:
        """Return an experiment's name; raise MlflowException if its state is not the one required by `is_archived`."""
        record = self.get_experiment_record(experiment_id)
        if (record["archivedTime"] is not None) != is_archived:
            state = "active" if is_archived else "deleted"
            raise create_error(f"The experiment with id={experiment_id} is {state}.", DOES_NOT_EXIST)
        return str(record["name"])

    def _list_experiments(self, view_type: int) -> "List[Any]":
        found = [build_experiment(self.names, record) for record in self.request("experiments.list")]
        is_wanted = {1: lambda one: one.lifecycle_stage != DELETED, 2: lambda one: one.lifecycle_stage == DELETED}
        return list(filter(is_wanted.get(view_type), found))
