"""Handles of pipeline runs and of the runs of their steps."""

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from azureml._azure_names import SAVED
from azureml._client.client import get_client
from azureml._unsupported import create_unsupported_call
from azureml._wire.run_folder import ARTIFACTS, STD_LOG
from azureml.core import _streaming
from azureml.core.run import Run, _check_not_inside_run
from azureml.exceptions import ActivityFailedException, ExperimentExecutionException, UserErrorException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.pipeline.core._graph_view import Graph
    from azureml.pipeline.core._port_data import PortDataReference
    from azureml.pipeline.core._published import PublishedPipeline

__all__ = ["RUNNING_STATES", "PipelineRun", "StepRun", "StepRunOutput"]

RUNNING_STATES = ["NotStarted", "Queued", "Running"]
"""The statuses of a pipeline or step run that has not ended, as `get_status` tells them."""

_STDERR_LOG = "logs/azureml/stderrlogs.txt"
_QUICK_SECONDS = 0.02
_PAUSE_SECONDS = 0.25
_WAITING = {"NotStarted": "NotStarted", "Queued": "Queued"}
_ENDED = {"Completed": "Finished", "Failed": "Failed", "Canceled": "Canceled"}
_STEP_NAME = "azureml.moduleName"


def _to_pipeline_status(status: str) -> str:
    """Return the word that pipelines have for the status of a run."""
    return _ENDED.get(status) or _WAITING.get(status, "Running")


class _GraphRun(Run):
    """Base class of pipeline runs and step runs; scripts cannot end them."""

    @property
    def status(self) -> str:
        """The run's status as in its record, such as `Completed`."""
        return str(self._get_record()["status"])

    def get_status(self) -> str:
        """Return the status in the terms of pipelines: NotStarted, Queued, Running, Finished, Failed or Canceled."""
        return _to_pipeline_status(self.status)

    def get_detailed_status(self) -> Dict[str, Any]:
        """Return a dict with the `status` of `get_status()` and, as `details`, the error of a failed run or None.

        The `status` of `get_details()` is that of the record, such as `Completed`, as in Azure.
        """
        detailed = super().get_detailed_status()
        return dict(detailed, status=_to_pipeline_status(detailed["status"]))

    def complete(self, _set_status: bool = True) -> None:
        """Raise NotImplementedError, since the pipeline determines the end of the run."""
        raise NotImplementedError(f"complete() is no call of a {type(self).__name__}, which ends by itself.")

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Raise NotImplementedError, since the pipeline determines the end of the run."""
        raise NotImplementedError(f"fail() is no call of a {type(self).__name__}; cancel() ends it.")

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: "str | None" = None) -> Run:
        """Raise NotImplementedError, since the pipeline determines the children of the run."""
        raise NotImplementedError(f"child_run() is no call of a {type(self).__name__}.")

    def _get_status_line(self, status: str) -> str:
        return f"{type(self).__name__} Status: {status}"

    def _get_summary_title(self) -> str:
        return f"{type(self).__name__} Execution Summary"

    def _wait_until_ended(self, timeout_seconds: float, show_new_output: "Callable[[str], object] | None") -> str:
        """Wait until the run has ended or the timeout has passed, and return the run's status.

        `show_new_output` is called with each status that is read; without it nothing is printed.
        """
        _check_not_inside_run(self)
        began = time.monotonic()
        shown = ""
        while True:
            status = self.get_status()
            if show_new_output is not None:
                if status != shown and status in RUNNING_STATES:
                    print(self._get_status_line(status), flush=True)
                shown = status
                show_new_output(status)
            if status not in RUNNING_STATES:
                return status
            elapsed = time.monotonic() - began
            if elapsed > timeout_seconds:
                print("Timed out of waiting. Elapsed time:", elapsed)
                return status
            time.sleep(_QUICK_SECONDS if elapsed < 1 else _PAUSE_SECONDS)

    def _wait_and_summarize(
        self, timeout_seconds: float, raise_on_error: bool, show_new_output: "Callable[[str], object] | None"
    ) -> str:
        """Wait as `_wait_until_ended` does, print a summary, and return the status or raise a failed run's error."""
        try:
            status = self._wait_until_ended(timeout_seconds, show_new_output)
        except KeyboardInterrupt as error:
            raise ExperimentExecutionException(
                f"Interrupted while waiting for run {self._run_id}, which goes on. Its cancel() stops it."
            ) from error
        details = self.get_details()
        failure = details.get("error") if status == "Failed" else None
        if show_new_output is not None:
            self._print_summary(status, details, None if raise_on_error else failure)
        if failure and raise_on_error:
            raise ActivityFailedException(error_details=json.dumps(failure, indent=4))
        if show_new_output is not None:
            print(details)
            print(flush=True)
        return status

    def _print_summary(self, status: str, details: Dict[str, Any], error: "Dict[str, Any] | None") -> None:
        title = self._get_summary_title()
        print(f"\n{title}\n{'=' * (len(title) + 1)}\n{self._get_status_line(status)}")
        warnings = [warning["message"] for warning in details.get("warnings") or []]
        if warnings:
            print("\nWarnings:", *warnings, sep="\n")
        if error:
            print(f"\nError:\n{json.dumps(error, indent=4)}")


class PipelineRun(_GraphRun):
    """A handle of a run of a pipeline, whose children are the runs of its steps."""

    RUN_TYPE = "azureml.PipelineRun"
    LOG_NAME = "logs/azureml/executionlogs.txt"

    def __init__(self, experiment: "Experiment", run_id: str, _service_endpoint: Any = None, **kwargs: Any) -> None:
        super().__init__(experiment, run_id, **kwargs)

    @staticmethod
    def get(workspace: Any, run_id: str, _service_endpoint: Any = None) -> "PipelineRun":
        """Return the pipeline run with this id.

        Raises:
            UserErrorException: There is no such run, or it is no run of a pipeline.
        """
        found = Run.get(workspace, run_id)
        if not isinstance(found, PipelineRun):
            raise UserErrorException(f"Run {run_id!r} is a run of type {found.type!r}, not of a pipeline.")
        return found

    @staticmethod
    def get_pipeline_runs(workspace: Any, pipeline_id: str, _service_endpoint: Any = None) -> "List[PipelineRun]":
        """Return the runs of a published pipeline, newest first."""
        records = workspace._request("pipelines.list_runs", pipeline_id=pipeline_id)
        return [PipelineRun._from_names(workspace._names, one["_experiment_name"], one["run_id"]) for one in records]

    def get_steps(self) -> "List[Run]":
        """Return the runs of the steps that have started, newest first."""
        return list(self.get_children())

    def find_step_run(self, name: str) -> "List[Run]":
        """Return the runs of the steps with this name; empty if none of them has started."""
        from azureml.core._run_listing import iterate_records

        records = iterate_records(self._names, {"parent_run_id": self._run_id})
        return [Run._from_record(self._names, record) for record in records if _get_step_name(record) == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> "PortDataReference":
        """Return a reference to the data of the pipeline output with this name.

        Raises:
            ValueError: No step that has started has such an output.
        """
        from azureml.pipeline.core._port_data import PortDataReference

        found = self._request("pipelines.find_output", name=pipeline_output_name)
        if found is None:
            raise ValueError(
                f"No step of run {self._run_id} that has started has a pipeline output {pipeline_output_name!r}. "
                "PipelineData(…, pipeline_output_name=…) names one."
            )
        return PortDataReference._from_record(self, found)

    def get_graph(self) -> "Graph":
        """Return the graph of the pipeline."""
        from azureml.pipeline.core._graph_view import Graph

        return Graph(self._request("pipelines.graph"))

    def publish_pipeline(
        self, name: str, description: str, version: str, continue_on_step_failure: "bool | None" = None, **kwargs: Any
    ) -> "PublishedPipeline":
        """Publish the pipeline of this run and return the published pipeline."""
        from azureml.pipeline.core._published import PublishedPipeline

        record = self._request(
            "pipelines.publish_run",
            environment=dict(os.environ),
            name=name,
            description=description,
            version=version,
            continue_on_step_failure=continue_on_step_failure,
        )
        return PublishedPipeline._from_record(self.experiment.workspace, record)

    save = create_unsupported_call("PipelineRun.save", SAVED)

    def wait_for_completion(  # type: ignore[override] # pipelines return a status, other runs their details
        self, show_output: bool = True, timeout_seconds: float = sys.maxsize, raise_on_error: bool = True
    ) -> str:
        """Wait until the pipeline run has ended or the timeout has passed; return the run's status, such as `Finished`.

        Args:
            show_output: Whether to print statuses, and the logs of the steps one after another.
            timeout_seconds: The time after which the call returns although the run has not ended.
            raise_on_error: Whether to raise ActivityFailedException with the run's error if it failed.
        """
        print("PipelineRunId:", self.id)
        print("Link to Azure Machine Learning Portal:", self.get_portal_url())
        began = time.monotonic()
        shown: List[str] = []

        def show_new_steps(status: str) -> None:
            del status
            for step in reversed(self.get_steps()):
                if step.id not in shown:
                    shown.append(step.id)
                    print("\n")
                    left = timeout_seconds - (time.monotonic() - began)
                    step.wait_for_completion(timeout_seconds=left, raise_on_error=raise_on_error)  # type: ignore[call-arg]
                    print()

        return self._wait_and_summarize(timeout_seconds, raise_on_error, show_new_steps if show_output else None)


class StepRun(_GraphRun):
    """A handle of the run of a pipeline's step."""

    RUN_TYPE = "azureml.StepRun"

    def __init__(
        self,
        experiment: "Experiment",
        step_run_id: str,
        pipeline_run_id: "str | None" = None,
        node_id: "str | None" = None,
        _service_endpoint: Any = None,
        **kwargs: Any,
    ) -> None:
        known = {name: value for name, value in kwargs.items() if name == "_is_known"}
        super().__init__(experiment, step_run_id, **known)

    @property
    def name(self) -> "str | None":
        """The name of the step."""
        return _get_step_name(self._get_record())

    @property
    def pipeline_run_id(self) -> str:
        """The id of the pipeline run."""
        return str(self._get_record()["parent_run_id"])

    @property
    def _node_id(self) -> str:
        """The id of the step's node in the graph; private in Azure too, but printed by notebooks."""
        return str(self._get_record()["properties"]["azureml.nodeid"])

    def _get_status_line(self, status: str) -> str:
        return f"StepRun( {self.name} ) Status: {status}"

    def _get_summary_title(self) -> str:
        return f"StepRun({self.name}) Execution Summary"

    def get_outputs(self) -> "Dict[str, StepRunOutput]":
        """Return the outputs of the step, keyed by name."""
        records = self._request("pipelines.step_outputs")
        return {record["name"]: StepRunOutput._from_record(self, record) for record in records}

    def get_output(self, name: str) -> "StepRunOutput":
        """Return the step output with this name.

        Raises:
            ValueError: The step has no such output.
        """
        outputs = self.get_outputs()
        if name not in outputs:
            known = ", ".join(sorted(outputs)) or "none"
            raise ValueError(f"Step {self.name!r} has no output {name!r}. Its outputs: {known}.")
        return outputs[name]

    def get_output_data(self, name: str) -> "PortDataReference":
        """Return a reference to the data of the output with this name; raise ValueError if there is no such output."""
        return self.get_output(name).get_port_data_reference()

    def get_stdout_log(self) -> str:
        """Return what the step's script has printed so far; empty if there is no log yet."""
        return self._read_log(STD_LOG)

    def get_stderr_log(self) -> str:
        """Return the script's standard error, or an empty string if there is no separate log for it."""
        return self._read_log(_STDERR_LOG)

    def get_job_log(self) -> str:
        """Return the content of the step's log; alias of `get_stdout_log`."""
        return self.get_stdout_log()

    def _read_log(self, name: str) -> str:
        path = os.path.join(get_client().get_run_folder(self._names, self._run_id), ARTIFACTS, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for_completion(  # type: ignore[override] # pipelines return a status, other runs their details
        self, show_output: bool = True, timeout_seconds: float = sys.maxsize, raise_on_error: bool = True
    ) -> str:
        """Wait until the step has ended or the timeout has passed; return the step's status, such as `Finished`."""
        print("StepRunId:", self.id)
        print("Link to Azure Machine Learning Portal:", self.get_portal_url())
        if not show_output:
            return self._wait_and_summarize(timeout_seconds, raise_on_error, None)
        logs = _streaming.Logs(get_client().get_run_folder(self._names, self._run_id))

        def show_new_output(status: str) -> None:
            del status  # Running while the environment is built, too
            logs.print_new_output(includes_script=self.status in _streaming.WITH_SCRIPT)

        return self._wait_and_summarize(timeout_seconds, raise_on_error, show_new_output)


class StepRunOutput:
    """An output of a step that has started."""

    def __init__(
        self,
        context: Any = None,
        pipeline_run_id: "str | None" = None,
        step_run: "StepRun | None" = None,
        name: str = "",
        step_output: Any = None,
    ) -> None:
        self.name = name
        self.context = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.step_output = step_output

    @classmethod
    def _from_record(cls, step_run: StepRun, record: Dict[str, Any]) -> "StepRunOutput":
        return cls(None, step_run.pipeline_run_id, step_run, record["name"], record)

    def get_port_data_reference(self) -> "PortDataReference":
        """Return a reference to the data that the step has written to this output."""
        from azureml.pipeline.core._port_data import PortDataReference

        return PortDataReference._from_record(self.step_run, self.step_output)


def _get_step_name(record: Dict[str, Any]) -> "str | None":
    name: str | None = (record.get("properties") or {}).get(_STEP_NAME) or record.get("display_name")
    return name
