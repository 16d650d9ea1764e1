"""Handle of a run: inside a script the one it belongs to, outside any run of a workspace."""

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

from azureml._client.client import WorkspaceNames, client, find_submitted_run
from azureml._client.scalars import escape_surrogates
from azureml._wire.journal_lines import encode_end
from azureml._wire.run_folder import ARTIFACTS
from azureml.core._offline_run import _OfflineRun
from azureml.core._outputs import log_warnings, make_folder
from azureml.core._run_handle import COPY_SECONDS, check_text
from azureml.core._run_metrics import RunMetrics
from azureml.core._unsupported_run_calls import refuse_call_of_other_run
from azureml.exceptions import (
    ActivityFailedException,
    AzureMLException,
    ExperimentExecutionException,
    RunEnvironmentException,
    UserErrorException,
)

if TYPE_CHECKING:
    from azureml.core._run_listing import Wanted
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.model import Model

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]

_CANCEL_SECONDS = 2.0

_factories: "Dict[str, Callable[..., Run]]" = {}


class Run(RunMetrics):
    """A run: its metrics, tags, properties, files, children and status.

    What is logged or tagged is kept for good when the call returns, whatever then happens to this process. What
    is asked includes all that this process has said before. All processes and threads may use it. As a context
    manager it calls `complete()`, or `fail()` with the exception that leaves the block.
    """

    def __init__(self, experiment: "Experiment", run_id: str, outputs: "str | None" = None, **kwargs: Any) -> None:
        """Make a handle.

        Args:
            experiment: the experiment that the run belongs to.
            run_id: its id.
            outputs: a folder whose files are kept with the run when it ends, if it has no script.
            kwargs: accepted for Azure's sake.

        Raises:
            UserErrorException: There is no such run in the experiment.
        """
        self._begin(experiment._names, experiment.name, run_id)
        if kwargs.get("_is_known"):
            return
        found = self._record()
        if found["_experiment_name"] != experiment.name:
            raise UserErrorException(
                f"Run {run_id!r} is in experiment {found['_experiment_name']!r}, not in {experiment.name!r}."
            )
        if outputs:
            self._request("runs.track_outputs", outputs=make_folder(outputs))

    @staticmethod
    def _from_record(workspace: WorkspaceNames, record: Dict[str, Any]) -> "Run":
        """Return the handle for a run's record, of the class for its type."""
        from azureml.core.script_run import ScriptRun

        factory = _factories.get(record["run_type"])
        if factory is not None:
            from azureml.core.experiment import Experiment

            return factory(Experiment._known(workspace, record["_experiment_name"]), record)
        kind = ScriptRun if record["run_type"] == ScriptRun.RUN_TYPE else Run
        return kind._known(workspace, record["_experiment_name"], record["run_id"])

    def __reduce__(self) -> Any:
        return type(self)._known, (self._names, self._experiment_name, self._run_id)

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

        return format_text_table("Run", self._build_cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import format_html_table

        return format_html_table(self._build_cells(), self.get_portal_url(), "Details Page")

    def _build_cells(self) -> Dict[str, str]:
        cells = {"Experiment": self._experiment_name, "Id": self._run_id}
        try:
            record = self._record()
        except AzureMLException:  # it can be printed even without a response
            return cells
        return {**cells, "Type": record["run_type"], "Status": record["status"]}

    def __getattr__(self, name: str) -> Any:
        return refuse_call_of_other_run(type(self).__name__, name)

    # Where it comes from

    @classmethod
    def get_context(
        cls,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,
        **kwargs: object,
    ) -> Any:
        """Return the run that this script belongs to.

        Outside a run a stand-in that prints what it is told, whose id begins with `OfflineRun`; with
        `allow_offline=False` a RunEnvironmentException.
        """
        inside = find_submitted_run()
        if inside is not None:
            return _SubmittedRun._known(inside.workspace, inside.experiment_name, inside.run_id)
        if allow_offline:
            return _OfflineRun()
        raise RunEnvironmentException(
            "This process belongs to no run. Start the script by 'mlrun run submit-script', or let it do "
            "without one by Run.get_context()."
        )

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Any:
        """Return the run of this script; the older name of `get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False, **kwargs)

    @staticmethod
    def get(workspace: Any, run_id: str) -> "Run":
        """Return the run of this id; UserErrorException when there is none."""
        return Run._from_record(
            workspace._names, client().request("runs.get", workspace=workspace._names, run_id=run_id)
        )

    @staticmethod
    def list(
        experiment: "Experiment",
        type: "str | None" = None,
        tags: "Wanted" = None,
        properties: "Wanted" = None,
        status: Any = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Return the runs of an experiment, newest first, read a page at a time.

        `tags` and `properties` are a dict of values, or a key (or several) whose value does not matter.
        """
        from azureml.core._run_listing import filter_arguments, iterate_runs

        chosen = filter_arguments(type, tags, properties, status)
        return iterate_runs(
            experiment._names, {**chosen, "experiment_name": experiment.name, "include_children": include_children}
        )

    @staticmethod
    def list_by_compute(
        compute: Any,
        type: "str | None" = None,
        tags: "Wanted" = None,
        properties: "Wanted" = None,
        status: Any = None,
    ) -> "Iterator[Run]":
        """Return the runs of a compute target, newest first."""
        from azureml.core._run_listing import filter_arguments, iterate_runs

        chosen = filter_arguments(type, tags, properties, status)
        return iterate_runs(compute.workspace._names, {**chosen, "target": compute.name, "include_children": True})

    @staticmethod
    def add_type_provider(runtype: str, run_factory: "Callable[..., Run]") -> None:
        """Register `run_factory(experiment, record)` as the constructor of handles for a type of runs."""
        _factories[runtype] = run_factory

    @classmethod
    def get_docs_url(cls) -> str:
        """Return the former URL of Azure's documentation of this class."""
        return "https://learn.microsoft.com/python/api/azureml-core/azureml.core.run.run"

    # Who it is

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
        """Alias of `id`, for code that reads handles of `get_active_runs()`."""
        return self._run_id

    @property
    def experiment(self) -> "Experiment":
        """The run's experiment."""
        from azureml.core.experiment import Experiment

        return Experiment._known(self._names, self._experiment_name)

    @property
    def number(self) -> int:
        """The run's place in the experiment, from 1."""
        return int(self._record()["run_number"])

    @property
    def display_name(self) -> "str | None":
        """The run's display name; may be set."""
        name: str | None = self._record().get("display_name")
        return name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._request("runs.update", display_name=check_text(value, "display_name"))

    @property
    def description(self) -> "str | None":
        """The run's description; may be set."""
        text: str | None = self._record().get("description")
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
        """The run's type; `azureml.scriptrun` for a submitted script."""
        return str(self._record()["run_type"])

    @property
    def parent(self) -> "Run | None":
        """The parent run, or None."""
        record = self._request("runs.parent")
        return None if record is None else Run._from_record(self._names, record)

    @property
    def portal_url(self) -> str:
        """Alias of `get_portal_url()`."""
        return self.get_portal_url()

    def get_portal_url(self) -> str:
        """Return the URL of its page, which opens while `mlrun studio` runs."""
        address: str = self._request("runs.address")
        return address

    # How it stands

    @property
    def status(self) -> str:
        """The run's status, read anew each time."""
        return self.get_status()

    def get_status(self) -> str:
        """Return the run's status in Azure's words, such as `Running`."""
        return str(self._record()["status"])

    def get_detailed_status(self) -> Dict[str, Any]:
        """Return the run's status; `details` says why a failed run failed."""
        record = self._record()
        return {"status": record["status"], "details": (record.get("error") or {}).get("error")}

    def get_details(self) -> Dict[str, Any]:
        """Return the run's record under Azure's camelCase keys, such as `runId`, `status` and `startTimeUtc`.

        Each of `inputDatasets` and `outputDatasets` has a `dataset`, which is one where the workspace knows it.
        """
        details: Dict[str, Any] = self._request("runs.details")
        consumed = [*details.get("inputDatasets", ()), *details.get("outputDatasets", ())]
        if consumed:
            from azureml.core.dataset import insert_datasets

            insert_datasets(self.experiment.workspace, consumed)
        return details

    def get_details_with_logs(self) -> Dict[str, Any]:
        """Return `get_details()` with the text of each log under its name in `logFiles`."""
        details = self.get_details()
        folder = os.path.join(client().run_folder(self._names, self._run_id), ARTIFACTS)
        for name in details["logFiles"]:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                details["logFiles"][name] = file.read()
        return details

    def get_environment(self) -> "Environment":
        """Return the run's environment, as far as its record says."""
        from azureml.core.conda_dependencies import CondaDependencies
        from azureml.core.environment import Environment

        definition = self._record().get("run_definition") or {}
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
        """Do nothing: a run that has been opened is Running."""

    def complete(self, _set_status: bool = True) -> None:
        """End the run as Completed.

        A run whose script goes on, this one as a rule, is Completed when its process has ended well. One that
        has ended stays as it is.
        """
        if not _set_status:
            return
        log_warnings(self._request("runs.complete", patience_seconds=COPY_SECONDS))

    def fail(
        self,
        error_details: "str | BaseException | None" = None,
        error_code: "str | None" = None,
        _set_status: bool = True,
    ) -> None:
        """End the run as Failed, with an error. The script of another run is stopped first."""
        if not _set_status:
            return
        error = _describe_error(error_details)
        if error_code:
            error["code"] = escape_surrogates(str(error_code))
        self._end_failed(error)

    def _end_failed(self, error: Dict[str, Any]) -> None:
        log_warnings(self._request("runs.fail", patience_seconds=COPY_SECONDS, **error))

    def cancel(self) -> None:
        """Ask the run to stop, and wait briefly for its end, which its script may delay."""
        record = self._request("runs.cancel")
        if record["status"] == "CancelRequested" and find_submitted_run() is None:
            self._wait_a_moment()

    def _wait_a_moment(self) -> None:
        from time import monotonic, sleep

        deadline = monotonic() + _CANCEL_SECONDS
        while monotonic() < deadline and self.get_status() == "CancelRequested":
            sleep(0.02)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> Dict[str, Any]:
        """Wait until the run has ended; return its details.

        Args:
            show_output: print what its environment's installer, if it needs one, and its script print.
            wait_post_processing: a run here has ended when all of it has.
            raise_on_error: raise ActivityFailedException with the run's error when it has failed.
        """
        from azureml._wire.run_output import format_head
        from azureml.core import _streaming

        del wait_post_processing
        _refuse_wait_for_itself(self)
        try:
            if show_output:
                print(format_head(self._run_id, self.get_portal_url()))
                with _streaming.Logs(client().run_folder(self._names, self._run_id)) as logs:
                    _streaming.wait(self.get_status, logs)
            else:
                _streaming.wait(self.get_status)
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
        """Wait until all values logged by this process are in the store, where other programs see them."""
        self._request("runs.flush", patience_seconds=timeout_seconds)

    # Runs below it

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "str | None" = None) -> "Run":
        """Open a run below this one, to be ended by its opener, or with the script that opens it."""
        record = self._request_of_workspace(
            "runs.open",
            experiment_name=self._experiment_name,
            parent_run_id=self._run_id,
            run_id=None if run_id is None else check_text(run_id, "run_id"),
            display_name=None if name is None else check_text(name, "name"),
            outputs=make_folder(outputs),
        )
        return Run._known(self._names, self._experiment_name, record["run_id"])

    def create_children(
        self,
        count: "int | None" = None,
        tag_key: "str | None" = None,
        tag_values: "List[Any] | None" = None,
    ) -> "List[Run]":
        """Open many runs below this one at once: `count` of them, or one for each value of a tag.

        Without a tag of their own they have `azureml.batch_child_number`, from 0 on.

        Raises:
            UserErrorException: Neither is given, or both are and do not agree.
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
        return [Run._known(self._names, self._experiment_name, run_id) for run_id in run_ids]

    def submit_child(self, config: Any, tags: "Dict[str, Any] | None" = None, **kwargs: Any) -> "Run":
        """Submit a script as a run below this one."""
        from azureml.core._submission import submit

        return submit(self._names, self._experiment_name, config, tags, parent_run_id=self._run_id, **kwargs)

    def get_children(
        self,
        recursive: bool = False,
        tags: "Wanted" = None,
        properties: "Wanted" = None,
        type: "str | None" = None,
        status: Any = None,
        _rehydrate_runs: bool = True,
    ) -> "Iterator[Run]":
        """Return the runs below it, newest first, read a page at a time; with `recursive` also those below them."""
        from azureml.core._run_listing import filter_arguments, iterate_runs

        chosen = filter_arguments(type, tags, properties, status)
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
        """Register files of the run as a model; `model_path` is a file or folder among them, else `model_name`."""
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
        """The input data of the run, by name."""
        from azureml.core.dataset import get_input_datasets

        return get_input_datasets(self)

    @property
    def output_datasets(self) -> Any:
        """The output folders of the run, by name."""
        from azureml.core.dataset import get_output_datasets

        return get_output_datasets(self)

    def get_secret(self, name: str) -> str:
        """Return a secret of the submitter, from the environment variable `NAME` or the system keyring."""
        from azureml.core.keyvault import read_secret

        return str(read_secret(self.experiment.workspace, name))

    def get_secrets(self, secrets: List[str]) -> Dict[str, str]:
        """Return several secrets, by name."""
        return {name: self.get_secret(name) for name in secrets}


def _refuse_wait_for_itself(run: Run) -> None:
    """Raise if this process belongs to the run or to one below it: waiting would never end."""
    inside = find_submitted_run()
    above: Run | None = None if inside is None else _SubmittedRun._known(inside.workspace, "", inside.run_id)
    while above is not None:
        if above == run:
            raise UserErrorException(
                f"Run {run.id} ends when this script has ended: it cannot be waited for from within. Wait for its "
                "children, or from outside."
            )
        above = above.parent


class _SubmittedRun(Run):
    """The run that this process belongs to: how it ends is known when the process has ended."""

    def complete(self, _set_status: bool = True) -> None:
        """Record that the script has succeeded; the run is Completed once its process exits with 0."""
        if _set_status:
            self._append(encode_end("Completed", None))

    def _end_failed(self, error: Dict[str, Any]) -> None:
        kept: Dict[str, str] = {name: error[name] for name in ("message", "code") if name in error}
        self._append(encode_end("Failed", kept or None))


def get_run(experiment: "Experiment", run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """Return the run of this id, of the class for its type.

    Args:
        experiment: the experiment it belongs to.
        run_id: its id.
        rehydrate: with False always a plain `Run`.
        clean_up: without meaning here.

    Raises:
        UserErrorException: There is no such run in the experiment.
    """
    del clean_up
    plain = Run(experiment, run_id)
    if not rehydrate:
        return plain
    return Run._from_record(plain._names, client().request("runs.get", workspace=plain._names, run_id=run_id))


def _describe_error(error: "str | BaseException | None") -> Dict[str, Any]:
    """Return an error as the arguments of `runs.fail`."""
    if isinstance(error, BaseException):
        from traceback import format_exception

        kind = type(error).__name__
        trace = escape_surrogates("".join(format_exception(type(error), error, error.__traceback__)))
        message = f"{kind}: {error}" if str(error) else kind
        return {"message": escape_surrogates(message), "debug_info": {"type": kind, "stackTrace": trace}}
    return {"message": escape_surrogates(str(error))} if error else {}
