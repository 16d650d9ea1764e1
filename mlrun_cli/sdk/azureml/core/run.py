"""Handles of runs, both of the current script and of any other run in a workspace."""

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

from azureml._client.client import WorkspaceNames, find_submitted_run_client, get_client
from azureml._client.scalars import escape_surrogates
from azureml._wire.journal_lines import encode_end
from azureml._wire.run_folder import ARTIFACTS
from azureml.core._offline_run import _OfflineRun
from azureml.core._outputs import create_output_folder, log_warnings
from azureml.core._run_classes import import_run_class
from azureml.core._run_definition import RunDefinition
from azureml.core._run_handle import COPY_SECONDS, check_text
from azureml.core._run_metrics import RunMetrics
from azureml.core._unsupported_run_calls import create_unsupported_run_method
from azureml.exceptions import (
    ActivityFailedException,
    AzureMLException,
    ExperimentExecutionException,
    RunEnvironmentException,
    UserErrorException,
)

if TYPE_CHECKING:
    from azureml.core._run_listing import KeyValueFilter
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.model import Model

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]

_CANCEL_SECONDS = 2.0

_factories: "Dict[str, Callable[..., Run]]" = {}


class Run(RunMetrics):
    """A handle of a run, with its metrics, tags, properties, files, children and status.

    Logged values and tags are stored durably when the call returns, even if this process crashes afterwards. Reads
    reflect everything that this process has written before. All processes and threads may use the handle. As a
    context manager it calls `complete()`, or `fail()` with the exception that leaves the block.
    """

    LOG_NAME: "str | None" = None
    """The log to print while waiting for the run; None for that of its script."""

    def __init__(self, experiment: "Experiment", run_id: str, outputs: "str | None" = None, **kwargs: Any) -> None:
        """Initialize the handle of an existing run.

        Args:
            experiment: The experiment that the run belongs to.
            run_id: The id of the run.
            outputs: A folder whose files are stored when the run ends, if it has no script.
            kwargs: Accepted for compatibility with Azure.

        Raises:
            UserErrorException: The experiment has no such run.
        """
        self._initialize(experiment._names, experiment.name, run_id)
        if kwargs.get("_is_known"):
            return
        found = self._get_record()
        if found["_experiment_name"] != experiment.name:
            raise UserErrorException(
                f"Run {run_id!r} is in experiment {found['_experiment_name']!r}, not in {experiment.name!r}."
            )
        if outputs:
            self._request("runs.track_outputs", outputs=create_output_folder(outputs))

    @staticmethod
    def _from_record(workspace: WorkspaceNames, record: Dict[str, Any]) -> "Run":
        """Return a handle for a run, created from its record by the class or type provider for the run's type."""
        factory = _factories.get(record["run_type"])
        if factory is not None:
            from azureml.core.experiment import Experiment

            return factory(Experiment._from_names(workspace, record["_experiment_name"]), record)
        kind: type[Run] = import_run_class(record["run_type"]) or Run
        return kind._from_names(workspace, record["_experiment_name"], record["run_id"])

    def __reduce__(self) -> Any:
        return type(self)._from_names, (self._names, self._experiment_name, self._run_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and (self._names, self._run_id) == (other._names, other._run_id)

    def __hash__(self) -> int:
        return hash(self._run_id)

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, exit_type: "type[BaseException] | None", value: "BaseException | None", traceback: object
    ) -> None:
        if value is None or (isinstance(value, SystemExit) and not value.code):
            self.complete()
        else:
            self.fail(value)

    def __repr__(self) -> str:
        from azureml.core._tables import format_text_table

        return format_text_table("Run", self._build_table_cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import format_html_table

        return format_html_table(self._build_table_cells(), self.get_portal_url(), "Details Page")

    def _build_table_cells(self) -> Dict[str, str]:
        cells = {"Experiment": self._experiment_name, "Id": self._run_id}
        try:
            record = self._get_record()
        except AzureMLException:  # printing must not fail
            return cells
        return {**cells, "Type": record["run_type"], "Status": record["status"]}

    def __getattr__(self, name: str) -> Any:
        return create_unsupported_run_method(type(self).__name__, name)

    # Lookup

    @classmethod
    def get_context(
        cls,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,
        **kwargs: object,
    ) -> Any:
        """Return the run that this script belongs to or, outside of a run, an offline run that prints values.

        The id of an offline run starts with `OfflineRun`. With `allow_offline=False`, calls outside a run raise
        RunEnvironmentException.
        """
        inside = find_submitted_run_client()
        if inside is not None:
            return _SubmittedRun._from_names(inside.workspace, inside.experiment_name, inside.run_id)
        if allow_offline:
            return _OfflineRun()
        raise RunEnvironmentException(
            "This process belongs to no run. Start the script by 'mlrun run submit-script', or let it do "
            "without one by Run.get_context()."
        )

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Any:
        """Return the run of this script; older alias of `get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False, **kwargs)

    @staticmethod
    def get(workspace: Any, run_id: str) -> "Run":
        """Return the run with this id; raise ServiceException if there is none."""
        return Run._from_record(
            workspace._names, get_client().request("runs.get", workspace=workspace._names, run_id=run_id)
        )

    @staticmethod
    def list(
        experiment: "Experiment",
        type: "str | None" = None,
        tags: "KeyValueFilter" = None,
        properties: "KeyValueFilter" = None,
        status: Any = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Return an iterator that yields an experiment's runs, newest first, and reads them page by page.

        `tags` and `properties` are either a dict, or one or several keys, which match any value.
        """
        from azureml.core._run_listing import build_filter_arguments, iterate_runs

        chosen = build_filter_arguments(type, tags, properties, status)
        return iterate_runs(
            experiment._names, {**chosen, "experiment_name": experiment.name, "include_children": include_children}
        )

    @staticmethod
    def list_by_compute(
        compute: Any,
        type: "str | None" = None,
        tags: "KeyValueFilter" = None,
        properties: "KeyValueFilter" = None,
        status: Any = None,
    ) -> "Iterator[Run]":
        """Return an iterator that yields the runs of a compute target, newest first, and reads them page by page."""
        from azureml.core._run_listing import build_filter_arguments, iterate_runs

        chosen = build_filter_arguments(type, tags, properties, status)
        return iterate_runs(compute.workspace._names, {**chosen, "target": compute.name, "include_children": True})

    @staticmethod
    def add_type_provider(runtype: str, run_factory: "Callable[..., Run]") -> None:
        """Register `run_factory(experiment, record)` as the function that creates handles for a run type."""
        _factories[runtype] = run_factory

    @classmethod
    def get_docs_url(cls) -> str:
        """Return the former URL of Azure's documentation for this class."""
        return "https://learn.microsoft.com/python/api/azureml-core/azureml.core.run.run"

    # Identity

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run_id

    @property
    def identity(self) -> str:
        """Alias of `id`."""
        return self._run_id

    @property
    def run_id(self) -> str:
        """Alias of `id`, for scripts that use the results of `get_active_runs()`."""
        return self._run_id

    @property
    def experiment(self) -> "Experiment":
        """The run's experiment."""
        return self._experiment

    @property
    def number(self) -> int:
        """The run's sequence number within the experiment, starting at 1."""
        return int(self._get_record()["run_number"])

    @property
    def display_name(self) -> "str | None":
        """The run's display name, or None; can be assigned."""
        name: str | None = self._get_record().get("display_name")
        return name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._request("runs.update", display_name=check_text(value, "display_name"))

    @property
    def description(self) -> "str | None":
        """The run's description, or None; can be assigned."""
        text: str | None = self._get_record().get("description")
        return text

    @description.setter
    def description(self, value: str) -> None:
        self._request("runs.update", description=check_text(value, "description"))

    @property
    def name(self) -> "str | None":
        """Older alias of `display_name`."""
        return self.display_name

    @property
    def type(self) -> str:
        """The run's type, such as `azureml.scriptrun` for a submitted script."""
        return str(self._get_record()["run_type"])

    @property
    def parent(self) -> "Run | None":
        """The parent run, or None if there is none."""
        record = self._request("runs.parent")
        return None if record is None else Run._from_record(self._names, record)

    @property
    def portal_url(self) -> str:
        """The URL of the run's page; alias of `get_portal_url()`."""
        return self.get_portal_url()

    def get_portal_url(self) -> str:
        """Return the URL of the run's page in the studio, for use while `mlrun studio` is running."""
        address: str = self._request("runs.address")
        return address

    # Status

    @property
    def status(self) -> str:
        """The run's status, read from the store on each access."""
        return self.get_status()

    def get_status(self) -> str:
        """Return the run's status in Azure's terms, such as `Running`."""
        return str(self._get_record()["status"])

    def get_detailed_status(self) -> Dict[str, Any]:
        """Return a dict with the run's `status` and, as `details`, the error of a failed run or None."""
        record = self._get_record()
        return {"status": record["status"], "details": (record.get("error") or {}).get("error")}

    def get_details(self) -> Dict[str, Any]:
        """Return the run's record with Azure's camelCase keys, such as `runId`, `status` and `startTimeUtc`.

        In `inputDatasets` and `outputDatasets`, dataset ids are replaced by dataset objects if these exist. Outputs are
        there when the run has completed.
        """
        details: Dict[str, Any] = self._request("runs.details")
        if "runDefinition" in details:
            details["runDefinition"] = RunDefinition(details["runDefinition"])
        consumed = [*details.get("inputDatasets", ()), *details.get("outputDatasets", ())]
        if consumed:
            from azureml.core.dataset import replace_dataset_ids

            replace_dataset_ids(self.experiment.workspace, consumed)
        return details

    def get_details_with_logs(self) -> Dict[str, Any]:
        """Return the result of `get_details()`, with the contents of the logs in `logFiles`, keyed by log name."""
        details = self.get_details()
        folder = os.path.join(get_client().get_run_folder(self._names, self._run_id), ARTIFACTS)
        for name in details["logFiles"]:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                details["logFiles"][name] = file.read()
        return details

    def get_environment(self) -> "Environment":
        """Return the run's environment, reconstructed from its record."""
        from azureml.core.conda_dependencies import CondaDependencies
        from azureml.core.environment import Environment

        definition = self._get_record().get("run_definition") or {}
        recorded = definition.get("environment", {})
        python = recorded.get("python", {})
        environment = Environment(recorded.get("name") or f"{self._experiment_name} of {self._run_id}")
        environment.version = recorded.get("version")
        environment.environment_variables = dict(definition.get("environmentVariables") or {})
        environment.python.user_managed_dependencies = python.get("userManagedDependencies", True)
        environment.python.interpreter_path = python.get("interpreterPath", "python")
        environment.python.conda_dependencies = CondaDependencies.create(
            pip_packages=python.get("requirements") or None
        )
        return environment

    def start(self) -> None:
        """Do nothing, since an interactive run has the status Running from the start."""

    def complete(self, _set_status: bool = True) -> None:
        """Mark the run as Completed.

        A run whose script is still executing becomes Completed when its process exits successfully. A run that has
        already ended is unchanged.
        """
        if not _set_status:
            return
        log_warnings(self._request("runs.complete", timeout_seconds=COPY_SECONDS))

    def fail(
        self,
        error_details: "str | BaseException | None" = None,
        error_code: "str | None" = None,
        _set_status: bool = True,
    ) -> None:
        """Mark the run as Failed with an error, after stopping its script unless the script itself is the caller."""
        if not _set_status:
            return
        error = _build_fail_arguments(error_details)
        if error_code:
            error["code"] = escape_surrogates(str(error_code))
        self._end_as_failed(error)

    def _end_as_failed(self, error: Dict[str, Any]) -> None:
        log_warnings(self._request("runs.fail", timeout_seconds=COPY_SECONDS, **error))

    def cancel(self) -> None:
        """Request cancellation of the run and, outside of a run, wait briefly for the run to end."""
        record = self._request("runs.cancel")
        if record["status"] == "CancelRequested" and find_submitted_run_client() is None:
            self._wait_for_cancellation()

    def _wait_for_cancellation(self) -> None:
        from time import monotonic, sleep

        deadline = monotonic() + _CANCEL_SECONDS
        while monotonic() < deadline and self.get_status() == "CancelRequested":
            sleep(0.02)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> Dict[str, Any]:
        """Wait until the run has ended, and return its details; by default, raise ActivityFailedException if it failed.

        Args:
            show_output: Whether to print the output of the environment installer, if any, and of the script.
            wait_post_processing: Accepted and ignored; runs end after their post-processing.
            raise_on_error: Whether to raise ActivityFailedException with the run's error if it failed.
        """
        from azureml._wire.run_output import format_header
        from azureml.core import _streaming

        del wait_post_processing
        _check_not_inside_run(self)
        try:
            if show_output:
                print(format_header(self._run_id, self.get_portal_url()))
                logs = _streaming.Logs(get_client().get_run_folder(self._names, self._run_id), self.LOG_NAME)
                _streaming.wait_until_ended(self.get_status, logs)
            else:
                _streaming.wait_until_ended(self.get_status)
        except KeyboardInterrupt as error:
            raise ExperimentExecutionException(
                f"Interrupted while waiting for run {self._run_id}, which goes on. Its cancel() stops it."
            ) from error
        details = self.get_details()
        if show_output:
            print(_streaming.format_run_summary(self._run_id, self.get_portal_url(), details))
        if raise_on_error and details["status"] == "Failed":
            reason = _streaming.format_error(details.get("error") or {})
            raise ActivityFailedException(f"Run {self._run_id} failed: {reason}")
        return details

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until all values logged by this process are in the store, where other programs can read them."""
        self._request("runs.flush", timeout_seconds=timeout_seconds)

    # Child runs

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "str | None" = None) -> "Run":
        """Start an interactive child run and return it; it ends when its caller ends it or the script exits."""
        record = self._request_for_workspace(
            "runs.open",
            experiment_name=self._experiment_name,
            parent_run_id=self._run_id,
            run_id=None if run_id is None else check_text(run_id, "run_id"),
            display_name=None if name is None else check_text(name, "name"),
            outputs=create_output_folder(outputs),
        )
        return Run._from_names(self._names, self._experiment_name, record["run_id"])

    def create_children(
        self,
        count: "int | None" = None,
        tag_key: "str | None" = None,
        tag_values: "List[Any] | None" = None,
    ) -> "List[Run]":
        """Create and return several child runs in one request: `count` runs, or one for each value of a tag.

        Without `tag_key`, the runs get the tag `azureml.batch_child_number`, counted from 0.

        Raises:
            UserErrorException: Neither is given, or the count differs from the number of values.
        """
        values = None if tag_values is None else [None if value is None else str(value) for value in tag_values]
        if (tag_key is None) != (values is None):
            raise UserErrorException("create_children takes tag_key and tag_values together, or neither.")
        if count is None and values is None:
            raise UserErrorException("create_children takes a count, or tag_key and tag_values.")
        number = len(values or ()) if count is None else count
        if not isinstance(number, int) or number < 0 or (values is not None and number != len(values)):
            raise UserErrorException(f"The count of create_children is as many as there are tag_values, not {count!r}.")
        run_ids = self._request("runs.open_children", count=number, tag_key=tag_key, tag_values=values or [])
        return [Run._from_names(self._names, self._experiment_name, run_id) for run_id in run_ids]

    def submit_child(self, config: Any, tags: "Dict[str, Any] | None" = None, **kwargs: Any) -> "Run":
        """Submit a script or a sweep as a child run of this run and return the child run without waiting."""
        from azureml.core._submission import submit

        return submit(self._names, self._experiment_name, config, tags, parent_run_id=self._run_id, **kwargs)

    def get_children(
        self,
        recursive: bool = False,
        tags: "KeyValueFilter" = None,
        properties: "KeyValueFilter" = None,
        type: "str | None" = None,
        status: Any = None,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Return an iterator over the run's children or, with `recursive`, all descendants, newest first."""
        from azureml.core._run_listing import build_filter_arguments, iterate_runs

        chosen = build_filter_arguments(type, tags, properties, status)
        return iterate_runs(self._names, {**chosen, "parent_run_id": self._run_id, "recursive": recursive})

    # Models, data, secrets

    def register_model(
        self,
        model_name: str,
        model_path: "str | None" = None,
        tags: "Dict[str, Any] | None" = None,
        properties: "Dict[str, Any] | None" = None,
        model_framework: "str | None" = None,
        model_framework_version: "str | None" = None,
        description: "str | None" = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> "Model":
        """Register a file or folder of the run, by default the one named `model_name`, as a model; return the model."""
        from azureml.core.model import register_from_run

        return register_from_run(
            self,
            model_name,
            model_path=model_path,
            tags=tags,
            properties=properties,
            model_framework=model_framework,
            model_framework_version=model_framework_version,
            description=description,
            datasets=datasets,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
            **kwargs,
        )

    @property
    def input_datasets(self) -> Any:
        """The inputs of the run, as paths or datasets keyed by name."""
        from azureml.core.dataset import get_input_datasets

        return get_input_datasets(self)

    @property
    def output_datasets(self) -> Any:
        """The outputs of the run, as paths keyed by name."""
        from azureml.core.dataset import get_output_datasets

        return get_output_datasets(self)

    def get_secret(self, name: str) -> str:
        """Return a secret from the submitter's environment variables or the system keyring."""
        from azureml.core.keyvault import read_secret

        return str(read_secret(self.experiment.workspace, name))

    def get_secrets(self, secrets: List[str]) -> Dict[str, str]:
        """Return several secrets, keyed by name; raise UserErrorException if one is missing."""
        return {name: self.get_secret(name) for name in secrets}


def _check_not_inside_run(run: Run) -> None:
    """Raise UserErrorException if this process belongs to the run or a descendant, since waiting would never end."""
    inside = find_submitted_run_client()
    above: Run | None = None if inside is None else _SubmittedRun._from_names(inside.workspace, "", inside.run_id)
    while above is not None:
        if above == run:
            raise UserErrorException(
                f"Run {run.id} ends when this script has ended: it cannot be waited for from within. Wait for its "
                "children, or from outside."
            )
        above = above.parent


class _SubmittedRun(Run):
    """The run that this process belongs to, which gets its final status when the process exits."""

    def complete(self, _set_status: bool = True) -> None:
        """Record that the script succeeded; the run becomes Completed once its process exits with code 0."""
        if _set_status:
            self._append(encode_end("Completed", None))

    def _end_as_failed(self, error: Dict[str, Any]) -> None:
        kept: Dict[str, str] = {name: error[name] for name in ("message", "code") if name in error}
        self._append(encode_end("Failed", kept or None))


def get_run(experiment: "Experiment", run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """Return the run with this id as an instance of the class for its type.

    Args:
        experiment: The experiment that the run belongs to.
        run_id: The id of the run.
        rehydrate: Whether to use the class for the run's type; if False, the result is a plain `Run`.
        clean_up: Accepted and ignored.

    Raises:
        UserErrorException: The experiment has no such run.
    """
    del clean_up
    plain = Run(experiment, run_id)
    if not rehydrate:
        return plain
    return Run._from_record(plain._names, get_client().request("runs.get", workspace=plain._names, run_id=run_id))


def _build_fail_arguments(error: "str | BaseException | None") -> Dict[str, Any]:
    """Return the arguments of the request `runs.fail` for an exception or a message."""
    if isinstance(error, BaseException):
        from traceback import format_exception

        kind = type(error).__name__
        trace = escape_surrogates("".join(format_exception(type(error), error, error.__traceback__)))
        message = f"{kind}: {error}" if str(error) else kind
        return {"message": escape_surrogates(message), "debug_info": {"type": kind, "stackTrace": trace}}
    return {"message": escape_surrogates(str(error))} if error else {}
