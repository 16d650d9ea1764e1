"""Handle of a run: inside a script the one it belongs to, outside any run of a workspace."""

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List

from azureml._client import lines
from azureml._client.client import WorkspaceNames, client, submitted_run
from azureml._client.rpc_client import PATIENCE_SECONDS
from azureml._client.scalars import escape_surrogates
from azureml.core._offline_run import _OfflineRun
from azureml.core._other_runs import refuse_of_other_run
from azureml.core._outputs import made_folder, tell_warnings
from azureml.core._texts import keys_of, properties_of, texts_of
from azureml.exceptions import (
    ActivityFailedException,
    AzureMLException,
    ExperimentExecutionException,
    RunEnvironmentException,
    UserErrorException,
)

if TYPE_CHECKING:
    from azureml.core._choosing import Wanted
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.model import Model

__all__ = ["Run", "_OfflineRun", "_SubmittedRun", "get_run"]

_CANCEL_SECONDS = 2.0

_factories: "Dict[str, Callable[..., Run]]" = {}


class Run:
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
            self._request("runs.track_outputs", outputs=made_folder(outputs))

    def _begin(self, workspace: WorkspaceNames, experiment_name: str, run_id: str) -> None:
        self._names = workspace
        self._experiment_name = experiment_name
        self._run_id = run_id
        self._append = client().writer(workspace, run_id)

    @classmethod
    def _known(cls, workspace: WorkspaceNames, experiment_name: str, run_id: str) -> "Run":
        """The handle of a run that is known to exist."""
        run = cls.__new__(cls)
        run._begin(workspace, experiment_name, run_id)
        return run

    @staticmethod
    def _of_record(workspace: WorkspaceNames, record: Dict[str, Any]) -> "Run":
        """The handle of the run that a record is of, of the class for its type."""
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
        from azureml.core._tables import text_table

        return text_table("Run", self._cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import html_table

        return html_table(self._cells(), self.get_portal_url(), "Details Page")

    def _cells(self) -> Dict[str, str]:
        cells = {"Experiment": self._experiment_name, "Id": self._run_id}
        try:
            record = self._record()
        except AzureMLException:  # it can be printed even without a response
            return cells
        return {**cells, "Type": record["run_type"], "Status": record["status"]}

    def __getattr__(self, name: str) -> Any:
        return refuse_of_other_run(type(self).__name__, name)

    # Where it comes from

    @classmethod
    def get_context(
        cls,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,
        **kwargs: object,
    ) -> Any:
        """The run that this script belongs to.

        Outside a run a stand-in that prints what it is told, whose id begins with `OfflineRun`; with
        `allow_offline=False` a RunEnvironmentException.
        """
        inside = submitted_run()
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
        """Older name of `get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False, **kwargs)

    @staticmethod
    def get(workspace: Any, run_id: str) -> "Run":
        """The run of this id; UserErrorException when there is none."""
        return Run._of_record(workspace._names, client().request("runs.get", workspace=workspace._names, run_id=run_id))

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
        """The runs of an experiment, newest first, read a page at a time.

        `tags` and `properties` are a dict of values, or a key (or several) whose value does not matter.
        """
        from azureml.core._choosing import choice, walk

        chosen = choice(type, tags, properties, status)
        return walk(
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
        """The runs of a compute target, newest first."""
        from azureml.core._choosing import choice, walk

        chosen = choice(type, tags, properties, status)
        return walk(compute.workspace._names, {**chosen, "target": compute.name, "include_children": True})

    @staticmethod
    def add_type_provider(runtype: str, run_factory: "Callable[..., Run]") -> None:
        """Have runs of a type be made by `run_factory(experiment, record)`."""
        _factories[runtype] = run_factory

    @classmethod
    def get_docs_url(cls) -> str:
        """Where Azure's own page about this class was."""
        return "https://learn.microsoft.com/python/api/azureml-core/azureml.core.run.run"

    # Who it is

    @property
    def id(self) -> str:
        """Its id."""
        return self._run_id

    @property
    def identity(self) -> str:
        """The same as `id`."""
        return self._run_id

    @property
    def run_id(self) -> str:
        """The same as `id`, as what `get_active_runs()` gives has it in Azure."""
        return self._run_id

    @property
    def experiment(self) -> "Experiment":
        """The experiment it belongs to."""
        from azureml.core.experiment import Experiment

        return Experiment._known(self._names, self._experiment_name)

    @property
    def number(self) -> int:
        """Its place in the experiment, from 1."""
        return int(self._record()["run_number"])

    @property
    def display_name(self) -> "str | None":
        """The name that people gave it; may be set."""
        name: str | None = self._record().get("display_name")
        return name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._request("runs.update", display_name=_text(value, "display_name"))

    @property
    def description(self) -> "str | None":
        """What it is about; may be set."""
        text: str | None = self._record().get("description")
        return text

    @description.setter
    def description(self, value: str) -> None:
        self._request("runs.update", description=_text(value, "description"))

    @property
    def name(self) -> "str | None":
        """Older name of `display_name`."""
        return self.display_name

    @property
    def type(self) -> str:
        """`azureml.scriptrun` for a submitted script."""
        return str(self._record()["run_type"])

    @property
    def parent(self) -> "Run | None":
        """The run above it; None when there is none."""
        record = self._request("runs.parent")
        return None if record is None else Run._of_record(self._names, record)

    @property
    def portal_url(self) -> str:
        """The same as `get_portal_url()`."""
        return self.get_portal_url()

    def get_portal_url(self) -> str:
        """The address of its page, which opens while `mlrun studio` runs."""
        address: str = self._request("runs.address")
        return address

    # How it stands

    @property
    def status(self) -> str:
        """Where it stands, asked anew each time."""
        return self.get_status()

    def get_status(self) -> str:
        """Where it stands, in Azure's words, such as `Running`."""
        return str(self._record()["status"])

    def get_detailed_status(self) -> Dict[str, Any]:
        """Its status, with why it failed under `details` if it did."""
        record = self._record()
        return {"status": record["status"], "details": (record.get("error") or {}).get("error")}

    def get_details(self) -> Dict[str, Any]:
        """Its record under Azure's camelCase keys, such as `runId`, `status` and `startTimeUtc`.

        Each of `inputDatasets` and `outputDatasets` has a `dataset`, which is one where the workspace knows it.
        """
        details: Dict[str, Any] = self._request("runs.details")
        consumed = [*details.get("inputDatasets", ()), *details.get("outputDatasets", ())]
        if consumed:
            from azureml.core.dataset import with_datasets

            with_datasets(self.experiment.workspace, consumed)
        return details

    def get_details_with_logs(self) -> Dict[str, Any]:
        """The same, with the text of each log under its name in `logFiles`."""
        details = self.get_details()
        folder = os.path.join(client().run_folder(self._names, self._run_id), "artifacts")
        for name in details["logFiles"]:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                details["logFiles"][name] = file.read()
        return details

    def get_environment(self) -> "Environment":
        """What its environment was, as far as a run's record says."""
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
        """Nothing: a run that has been opened is Running."""

    def complete(self, _set_status: bool = True) -> None:
        """End it well.

        A run whose script goes on, this one as a rule, is Completed when its process has ended well. One that
        has ended stays as it is.
        """
        if not _set_status:
            return
        tell_warnings(self._request("runs.complete", patience_seconds=_PATIENT))

    def fail(
        self,
        error_details: "str | BaseException | None" = None,
        error_code: "str | None" = None,
        _set_status: bool = True,
    ) -> None:
        """End it as Failed, with what went wrong. A script of another run is stopped first."""
        if not _set_status:
            return
        error = _error_of(error_details)
        if error_code:
            error["code"] = escape_surrogates(str(error_code))
        self._end_failed(error)

    def _end_failed(self, error: Dict[str, Any]) -> None:
        tell_warnings(self._request("runs.fail", patience_seconds=_PATIENT, **error))

    def cancel(self) -> None:
        """Ask it to stop; waits a moment for its end, which may take as long as its script likes to."""
        record = self._request("runs.cancel")
        if record["status"] == "CancelRequested" and submitted_run() is None:
            self._wait_a_moment()

    def _wait_a_moment(self) -> None:
        from time import monotonic, sleep

        deadline = monotonic() + _CANCEL_SECONDS
        while monotonic() < deadline and self.get_status() == "CancelRequested":
            sleep(0.02)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> Dict[str, Any]:
        """Wait until it has ended; its details.

        Args:
            show_output: print what its environment's installer, if it needs one, and its script print.
            wait_post_processing: a run here has ended when all of it has.
            raise_on_error: raise ActivityFailedException with the run's error when it has failed.
        """
        from azureml.core import _streaming

        del wait_post_processing
        _refuse_wait_for_itself(self)
        logs = None
        if show_output:
            logs = _streaming.Logs(client().run_folder(self._names, self._run_id))
            print(_streaming.head(self._run_id, self.get_portal_url()))
        try:
            _streaming.wait(self.get_status, logs)
        except KeyboardInterrupt as error:
            raise ExperimentExecutionException(
                f"Interrupted while waiting for run {self._run_id}, which goes on. Its cancel() stops it."
            ) from error
        details = self.get_details()
        if show_output:
            print(_streaming.summary(self._run_id, self.get_portal_url(), details))
        if raise_on_error and details["status"] == "Failed":
            reason = _streaming.error_text(details.get("error") or {})
            raise ActivityFailedException(f"Run {self._run_id} failed: {reason}")
        return details

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until all that this process has logged is in the store, where other programs see it."""
        self._request("runs.flush", patience_seconds=timeout_seconds)

    # Runs below it

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "str | None" = None) -> "Run":
        """A new run below this one, to be ended by who opens it, or with the script that opens it."""
        record = self._request_of_workspace(
            "runs.open",
            experiment_name=self._experiment_name,
            parent_run_id=self._run_id,
            run_id=None if run_id is None else _text(run_id, "run_id"),
            display_name=None if name is None else _text(name, "name"),
            outputs=made_folder(outputs),
        )
        return Run._known(self._names, self._experiment_name, record["run_id"])

    def create_children(
        self,
        count: "int | None" = None,
        tag_key: "str | None" = None,
        tag_values: "List[Any] | None" = None,
    ) -> "List[Run]":
        """Many new runs below this one at once: `count` of them, or one for each value of a tag.

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
        from azureml.core._submitting import submit

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
        """The runs below it, newest first, read a page at a time; with `recursive` also those below them."""
        from azureml.core._choosing import choice, walk

        chosen = choice(type, tags, properties, status)
        return walk(self._names, {**chosen, "parent_run_id": self._run_id, "recursive": recursive})

    # Metrics

    def log(self, name: str, value: Any, description: str = "", step: "int | None" = None) -> None:
        """Add one value to a metric: a number, text or boolean; `step` orders the values of one name.

        Anything else, but a list, is kept as the text that `repr` gives of it, with a warning.

        Raises:
            UserErrorException: The value is a list, a range or a generator, or the disk is full.
        """
        self._append(lines.log_line(name, value, description, step))

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Add several values to a metric at once, from any iterable.

        Raises:
            TypeError: It is no iterable.
            AzureMLException: It holds what is no number, text or boolean.
        """
        self._append(lines.log_list_line(name, value, description))

    def log_row(self, name: str, description: "str | None" = None, **kwargs: Any) -> None:
        """Add a row to a metric of named columns; rows of one name add up to a table.

        Raises:
            AzureMLException: A column is no number, text or boolean.
        """
        self._append(lines.log_row_line(name, kwargs, description))

    def log_table(self, name: str, value: Dict[str, Any], description: str = "") -> None:
        """Add rows to a table: a list per column, all of one length, or one value.

        Raises:
            AttributeError: It has no columns by name.
            AzureMLException: Columns differ in length, or hold what is no number, text or boolean.
        """
        self._append(lines.log_table_line(name, value, description))

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Keep an image, a file or a figure of matplotlib (or pyplot itself), and log where it is."""
        from azureml.core._images import picture

        file_name, content = picture(name, path, plot)
        self.upload_file(file_name, content)
        self._log_artifact("i", name, file_name, description)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """Keep an accuracy table, in Azure's schema, and log where it is."""
        self._log_document("a", name, value, description)

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Keep a confusion matrix, in Azure's schema, and log where it is."""
        self._log_document("c", name, value, description)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Keep predictions, in Azure's schema, and log where they are."""
        self._log_document("p", name, value, description)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Keep residuals, in Azure's schema, and log where they are."""
        self._log_document("d", name, value, description)

    def _log_document(self, kind: str, name: str, value: Any, description: str) -> None:
        """Keep a document as a file that has the metric's name, or where that cannot be one of its own."""
        from io import BytesIO

        from azureml.core._images import document, free_name

        content = document(name, value)
        file_name = str(name)
        try:
            self.upload_file(file_name, BytesIO(content))
        except UserErrorException:
            file_name = free_name(name, ".json")
            self.upload_file(file_name, BytesIO(content))
        self._log_artifact(kind, name, file_name, description)

    def _log_artifact(self, kind: str, name: str, file_name: str, description: str) -> None:
        uri = f"aml://artifactId/ExperimentRun/dcid.{self._run_id}/{file_name}"
        self._append(lines.artifact_line(kind, name, uri, description))

    def get_metrics(
        self,
        name: "str | None" = None,
        recursive: bool = False,
        run_type: "str | None" = None,
        populate: bool = False,
    ) -> Dict[str, Any]:
        """All that was logged by every process, by metric; with `recursive` by run id, of all runs below it too.

        One value comes back as itself, several as a list in their order, rows as a dict of columns. What is kept as a
        file comes back as its address, or with `populate` as an `Artifact` with its content.
        """
        if name is not None and not isinstance(name, str):
            raise UserErrorException(f"The name of a metric is text, not {type(name).__name__}.")
        wanted: Dict[str, Any] = {"name": name, "recursive": recursive, "run_type": run_type}
        metrics: Dict[str, Any] = self._request("runs.metrics", **wanted)
        if not populate:
            return metrics
        from azureml.core._populated import populated

        shapes: Dict[str, Any] = self._request("runs.metric_shapes", **wanted)
        if not recursive:
            return populated(self._names, metrics, shapes)
        return {run_id: populated(self._names, each, shapes.get(run_id, {})) for run_id, each in metrics.items()}

    @property
    def metrics(self) -> Dict[str, Any]:
        """The same as `get_metrics()`."""
        return self.get_metrics()

    # Tags and properties

    @property
    def tags(self) -> "Dict[str, str | None]":
        """Its tags, asked anew each time."""
        return self.get_tags()

    def get_tags(self) -> "Dict[str, str | None]":
        """Its tags; None is the value of a bare one."""
        tags: Dict[str, str | None] = self._request("runs.tags")
        return tags

    def tag(self, key: str, value: object = None) -> None:
        """Set one tag; without a value a bare one. What is not text becomes so."""
        self.set_tags({key: value})

    def set_tags(self, tags: Dict[str, Any]) -> None:
        """Set several tags; others stay as they are."""
        self._append(lines.tags_line(texts_of(tags, "tags")))

    def remove_tags(self, tags: Any) -> None:
        """Remove the tags with these keys; one that is not there is no error."""
        self._append(lines.remove_tags_line(keys_of(tags)))

    @property
    def properties(self) -> Dict[str, str]:
        """Its properties, asked anew each time."""
        return self.get_properties()

    def get_properties(self) -> Dict[str, str]:
        """Its properties: texts that are written once."""
        properties: Dict[str, str] = self._request("runs.properties")
        return properties

    def add_properties(self, properties: Dict[str, Any]) -> None:
        """Add properties; UserErrorException when one exists with another value."""
        self._request("runs.add_properties", properties=properties_of(properties))

    # Files

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: "str | None" = None) -> None:
        """Keep a copy of a file, or of what a stream gives, with the run, under a name that is free.

        Raises:
            UserErrorException: The name leads out of the run or is taken, or there is no such file.
        """
        from azureml._client.uploads import upload

        _refuse_datastore(datastore_name)
        upload(client().run_folder(self._names, self._run_id), name, path_or_stream)

    def upload_files(
        self,
        names: List[str],
        paths: List[Any],
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> "Dict[str, str] | None":
        """Keep copies of several files; with `return_artifacts` where each of them is, by name."""
        del timeout_seconds
        if len(names) != len(paths):
            raise UserErrorException(f"upload_files takes a name for each path, not {len(names)} for {len(paths)}.")
        for name, path in zip(names, paths):
            self.upload_file(name, path, datastore_name)
        if not return_artifacts:
            return None
        return {name: f"aml://artifactId/ExperimentRun/dcid.{self._run_id}/{name}" for name in names}

    def upload_folder(self, name: str, path: Any, datastore_name: "str | None" = None) -> None:
        """Keep copies of all files of a folder, below `name`."""
        from azureml._client.uploads import list_folder_files

        for inner in list_folder_files(path):
            self.upload_file(f"{name}/{inner}", os.path.join(path, inner), datastore_name)

    def get_file_names(self) -> List[str]:
        """The names of its files: logs, what its script wrote, what was uploaded."""
        names: List[str] = self._request("run_files.list")
        return names

    def download_file(self, name: str, output_file_path: Any = None, _validate_checksum: bool = False) -> None:
        """Copy one of its files to a path, a folder, or the working folder if none is given.

        Raises:
            UserErrorException: It has no such file; says which it has.
        """
        wanted = os.fspath(output_file_path or os.path.basename(name))
        path = os.path.abspath(wanted)
        if os.path.isdir(path) or wanted.endswith(os.sep):
            path = os.path.join(path, os.path.basename(name))
        self._request("run_files.download_to", name=name, path=path, patience_seconds=_PATIENT)

    def download_files(
        self,
        prefix: "str | None" = None,
        output_directory: Any = None,
        output_paths: "List[Any] | None" = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: "int | None" = None,
    ) -> None:
        """Copy those of its files whose names begin with `prefix`, or all.

        Args:
            prefix: what their names begin with.
            output_directory: where to, under their names; the working folder if none is given.
            output_paths: instead, a path for each.
            batch_size: without meaning here.
            append_prefix: keep the prefix in the names below `output_directory`.
            timeout_seconds: without meaning here.
        """
        del batch_size, timeout_seconds
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        if output_paths is not None:
            if len(output_paths) != len(names):
                raise UserErrorException(f"There are {len(names)} files, and {len(output_paths)} output_paths.")
            for name, path in zip(names, output_paths):
                self.download_file(name, path)
            return
        for name in names:
            inner = name if append_prefix or not prefix else name[len(prefix) :].lstrip("/") or os.path.basename(name)
            self.download_file(name, os.path.join(output_directory or "", inner))

    def get_all_logs(self, destination: Any = None) -> List[str]:
        """Copy its logs to a folder, made if need be, by default one here that is named like the run; the paths."""
        folder = os.path.abspath(destination or self._run_id)
        tops = ("user_logs", "system_logs", "logs")
        names = [name for name in self.get_file_names() if name.partition("/")[0] in tops]
        if not names:
            return []
        paths: List[str] = self._request("run_files.download", names=names, folder=folder, patience_seconds=_PATIENT)
        return paths

    def get_snapshot_id(self) -> str:
        """The id of the snapshot of its source folder; UserErrorException when it has none."""
        snapshot_id = self.get_properties().get("ContentSnapshotId")
        if snapshot_id is None:
            raise UserErrorException(f"Run {self._run_id} has no snapshot: it was not submitted from a folder.")
        return snapshot_id

    def restore_snapshot(self, snapshot_id: "str | None" = None, path: Any = None) -> str:
        """Write a snapshot, its own if none is named, as a ZIP archive into a folder; the archive's path."""
        folder = os.path.abspath(path or ".")
        written: str = self._request(
            "run_files.restore_snapshot", snapshot_id=snapshot_id, folder=folder, patience_seconds=_PATIENT
        )
        return written

    def take_snapshot(self, file_or_folder_path: Any) -> str:
        """Keep a snapshot of a file or folder with the run; its id."""
        path = os.path.abspath(file_or_folder_path)
        snapshot_id: str = self._request_of_workspace("run_files.take_snapshot", path=path, patience_seconds=_PATIENT)
        if "ContentSnapshotId" not in self.get_properties():
            self.add_properties({"ContentSnapshotId": snapshot_id})
        return snapshot_id

    def clean(self) -> None:
        """Nothing: a run's working folder holds what its script wrote, and goes with the run."""

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
        """The data that it was submitted with, by name."""
        from azureml.core.dataset import input_datasets

        return input_datasets(self)

    @property
    def output_datasets(self) -> Any:
        """The folders for its output that it was submitted with, by name."""
        from azureml.core.dataset import output_datasets

        return output_datasets(self)

    def get_secret(self, name: str) -> str:
        """A secret of the submitter: from the environment (`NAME`), or the system keyring."""
        from azureml.core.keyvault import secret

        return str(secret(self.experiment.workspace, name))

    def get_secrets(self, secrets: List[str]) -> Dict[str, str]:
        """Several secrets, by name."""
        return {name: self.get_secret(name) for name in secrets}

    def _record(self) -> Dict[str, Any]:
        record: Dict[str, Any] = self._request("runs.get")
        return record

    def _request(self, call: str, patience_seconds: float = PATIENCE_SECONDS, **arguments: Any) -> Any:
        return self._request_of_workspace(call, patience_seconds, run_id=self._run_id, **arguments)

    def _request_of_workspace(self, call: str, patience_seconds: float = PATIENCE_SECONDS, **arguments: Any) -> Any:
        return client().request(call, workspace=self._names, patience_seconds=patience_seconds, **arguments)


def _refuse_wait_for_itself(run: Run) -> None:
    """Refuse to wait for the run that this process belongs to, or for one above it: neither would ever end."""
    inside = submitted_run()
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
        """Say that the script has done its work. The run is Completed when its process has ended well."""
        if _set_status:
            self._append(lines.end_line("Completed", None))

    def _end_failed(self, error: Dict[str, Any]) -> None:
        kept: Dict[str, str] = {name: error[name] for name in ("message", "code") if name in error}
        self._append(lines.end_line("Failed", kept or None))


def get_run(experiment: "Experiment", run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """The run of this id, of the class for its type.

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
    return Run._of_record(plain._names, client().request("runs.get", workspace=plain._names, run_id=run_id))


_PATIENT = 24 * 3600.0
"""For what may copy many gigabytes."""


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise UserErrorException(f"{what} is a text, not {type(value).__name__}.")
    return escape_surrogates(value)


def _error_of(error: "str | BaseException | None") -> Dict[str, Any]:
    """Return an error as the arguments of `runs.fail`."""
    if isinstance(error, BaseException):
        from traceback import format_exception

        kind = type(error).__name__
        trace = escape_surrogates("".join(format_exception(type(error), error, error.__traceback__)))
        message = f"{kind}: {error}" if str(error) else kind
        return {"message": escape_surrogates(message), "debug_info": {"type": kind, "stackTrace": trace}}
    return {"message": escape_surrogates(str(error))} if error else {}


def _refuse_datastore(name: "str | None") -> None:
    if name is not None:
        raise UserErrorException(
            f"datastore_name={name!r} is not honoured: a run's files are kept in its own folder. Leave it out, or use "
            "Datastore.upload_files to put files into a datastore."
        )
