"""Pipelines: steps that are run together, in the order of their data dependencies."""

import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List

from azureml._client.client import get_client
from azureml.core._text_pairs import convert_properties, convert_values_to_strings
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import UserErrorException
from azureml.pipeline.core._graph_builder import GraphBuilder
from azureml.pipeline.core._graph_view import Graph
from azureml.pipeline.core.graph import PipelineParameter, build_parameter_entry

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core._published import PublishedPipeline
    from azureml.pipeline.core.run import PipelineRun

__all__ = ["Pipeline"]

PATIENCE_SECONDS = 24 * 3600.0
"""The timeout of requests that may take snapshots of many gigabytes."""

_OLDER_NAMES = {"pipeline_params": "pipeline_parameters"}
_OPTIONS = {
    "continue_on_step_failure",
    "display_name",
    "parent_run_id",
    "pipeline_parameters",
    "properties",
    "regenerate_outputs",
    "tags",
}
"""The keyword arguments of a submission."""


class Pipeline:
    """Steps that are run together, in the order of their data dependencies."""

    def __init__(
        self,
        workspace: "Workspace",
        steps: Any,
        description: "str | None" = None,
        default_datastore: Any = None,
        default_source_directory: Any = None,
        resolve_closure: bool = True,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Initialize a pipeline of steps, lists of steps and StepSequences.

        With `resolve_closure`, steps that others need are added although they are not listed.

        Raises:
            UserErrorException: A step is of a kind that is not run here, or its data do not fit.
            TypeError: Something among the steps is not a step.
        """
        if not hasattr(workspace, "_names"):
            raise UserErrorException(f"A pipeline is in a workspace, not in a {type(workspace).__name__}.")
        self._workspace = workspace
        self._name: str | None = None
        self.description = description
        builder = GraphBuilder(workspace, default_source_directory)
        documents = builder.build(steps, with_upstream=resolve_closure)
        self._document: Dict[str, Any] = {
            "name": None,
            "description": description,
            "version": None,
            "parameters": builder.parameters,
            "default_target": None,
            "default_datastore": getattr(default_datastore, "name", default_datastore),
            "continue_on_step_failure": False,
            "steps": documents,
        }

    @classmethod
    def _from_document(cls, workspace: "Workspace", document: Dict[str, Any]) -> "Pipeline":
        pipeline = cls.__new__(cls)
        pipeline._workspace = workspace
        pipeline._name = document["name"]
        pipeline.description = document["description"]
        pipeline._document = document
        return pipeline

    @property
    def graph(self) -> Graph:
        """The graph of the pipeline."""
        return Graph(self._document)

    def _set_experiment_name(self, name: str) -> None:
        """Set the pipeline's name unless it has one; users' code calls this private method of Azure's class."""
        self._name = self._name or name

    @staticmethod
    def load_yaml(
        workspace: "Workspace", filename: Any, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "Pipeline":
        """Return the pipeline described by a YAML file.

        Raises:
            UserErrorException: The file cannot be read, or a part of it is wrong; the message has the line.
        """
        document = workspace._request("pipelines.load", path=os.path.abspath(filename), folder=os.getcwd())
        return Pipeline._from_document(workspace, document)

    def service_endpoint(self) -> str:
        """Return the URL of the workspace in the studio."""
        address: str = self._workspace._request("pipelines.address")
        return address

    def validate(self) -> List[str]:
        """Return error messages if the pipeline is invalid, or an empty list if it can be submitted."""
        problems: List[str] = self._workspace._request("pipelines.check", graph=self._document)
        return problems

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: "str | None" = None,
        credential_passthrough: "bool | None" = None,
        **kwargs: Any,
    ) -> "PipelineRun":
        """Submit the pipeline as a run of an experiment and return the run without waiting.

        Args:
            experiment_name: The name of the experiment, which is created if it does not exist.
            pipeline_parameters: Values of the pipeline's parameters, keyed by name.
            continue_on_step_failure: Whether steps that do not need a failed step go on.
            regenerate_outputs: Whether all steps are run, although earlier results could be reused.
            parent_run_id: The id of the run's parent, if any.
            credential_passthrough: Accepted and ignored.
            kwargs: `tags`, `display_name` and `properties` of the run; and older names of the arguments.

        Raises:
            UserErrorException: A part of the pipeline or a value is wrong; the message says which.
        """
        options = {
            "pipeline_parameters": pipeline_parameters,
            "continue_on_step_failure": continue_on_step_failure,
            "regenerate_outputs": regenerate_outputs,
            "parent_run_id": parent_run_id,
            **kwargs,
        }
        return submit_pipeline(self._workspace, "pipelines.submit", experiment_name, options, graph=self._document)

    def _submit_to_experiment(self, experiment_name: str, options: Dict[str, Any]) -> "PipelineRun":
        return self.submit(experiment_name, **options)

    def publish(
        self,
        name: "str | None" = None,
        description: "str | None" = None,
        version: "str | None" = None,
        continue_on_step_failure: "bool | None" = None,
    ) -> "PublishedPipeline":
        """Publish the pipeline with snapshots of its source folders, and return the published pipeline."""
        from azureml.pipeline.core._published import PublishedPipeline

        record = self._workspace._request(
            "pipelines.publish",
            timeout_seconds=PATIENCE_SECONDS,
            graph=self._document,
            name=name,
            description=description,
            version=None if version is None else str(version),
            continue_on_step_failure=continue_on_step_failure,
            environment=dict(os.environ),
        )
        return PublishedPipeline._from_record(self._workspace, record)


def submit_pipeline(
    workspace: "Workspace", call: str, experiment_name: str, options: Dict[str, Any], **pipeline: Any
) -> "PipelineRun":
    """Submit a pipeline by a request, print the notes in the response, and return the run.

    Args:
        workspace: The workspace of the run.
        call: The request.
        experiment_name: The name of the experiment.
        options: Keyword arguments of `Pipeline.submit`.
        pipeline: The arguments of the request that say which pipeline it is.

    Raises:
        UserErrorException: An option is unknown, or the pipeline cannot be submitted.
    """
    from azureml.pipeline.core.run import PipelineRun

    options = {_OLDER_NAMES.get(name, name): value for name, value in options.items()}
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        known = ", ".join(f"{name}=" for name in sorted(_OPTIONS))
        raise UserErrorException(f"submit() of a pipeline does not know {', '.join(unknown)}. It takes {known}.")
    if not isinstance(experiment_name, str) or not experiment_name:
        raise UserErrorException(f"A pipeline is submitted to the name of an experiment, not to {experiment_name!r}.")
    response = get_client().request(
        call,
        workspace=workspace._names,
        timeout_seconds=PATIENCE_SECONDS,
        experiment_name=experiment_name,
        parameters=to_parameter_values(workspace, options.get("pipeline_parameters")),
        continue_on_step_failure=options.get("continue_on_step_failure"),
        regenerate_outputs=bool(options.get("regenerate_outputs")),
        parent_run_id=options.get("parent_run_id"),
        tags=convert_values_to_strings(options.get("tags") or {}, "tags"),
        properties=convert_properties(options.get("properties") or {}),
        display_name=options.get("display_name"),
        environment=dict(os.environ),
        **pipeline,
    )
    for note in response["notes"]:
        print(f"WARNING: {note}", file=sys.stderr)
    for line in response["lines"]:
        print(line)
    record = response["run"]
    return PipelineRun._from_names(workspace._names, record["_experiment_name"], record["run_id"])


def to_parameter_values(workspace: "Workspace", values: "Dict[str, Any] | None") -> Dict[str, Any]:
    """Convert values of pipeline parameters to a JSON-compatible dict, saving unsaved datasets in the workspace.

    Raises:
        UserErrorException: They are no dict, or a value is of a kind that no parameter has.
    """
    if values is not None and not isinstance(values, dict):
        raise UserErrorException(f"pipeline_parameters is a dict, not a {type(values).__name__}.")
    given = {
        str(name): value.default_value if isinstance(value, PipelineParameter) else value
        for name, value in (values or {}).items()
    }
    for value in given.values():
        if isinstance(value, AbstractDataset):
            value._save_if_unsaved(workspace)
    try:
        return {name: build_parameter_entry(name, value)["default"] for name, value in given.items()}
    except ValueError as error:
        raise UserErrorException(str(error)) from error
