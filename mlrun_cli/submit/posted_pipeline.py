"""The submit of a published pipeline by a JSON object in the format of Azure's service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.actions.published_pipelines import get_pipeline, read_publisher_variables
from mlrun_cli.pipelines.graph import DataPath, DatasetReference, Graph
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.parameter_values import parse_parameter_value
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.submit.pipeline import submit_pipeline
from mlrun_cli.submit.published_pipeline import build_published_request, remove_unknown_values
from mlrun_cli.workspace import Workspace

_KEYS = {
    key.lower(): key
    for key in (
        "ContinueOnStepFailure",
        "DataPathAssignments",
        "DataSetDefinitionValueAssignments",
        "DataSetReference",
        "DataStoreName",
        "Description",
        "DisplayName",
        "ExperimentName",
        "Id",
        "Name",
        "ParameterAssignments",
        "ParentRunId",
        "RegisteredDataSetReference",
        "RelativePath",
        "RunSource",
        "SavedDataSetReference",
        "Tags",
        "Version",
    )
}
_DATASET_REFERENCES = ("SavedDataSetReference", "RegisteredDataSetReference", "DataSetReference")
_DEFAULT_SOURCE = "SDK"


def submit_posted_pipeline(workspace: Workspace, pipeline_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Submit a published pipeline as a posted document asks; return the run's id as `Id`, its experiment and notes.

    The scripts get the variables of the process that published the pipeline, as those of its schedules do.

    Args:
        workspace: the workspace.
        pipeline_id: the id of the published pipeline.
        document: `ExperimentName`; and, if wanted, `ParameterAssignments`, `DataPathAssignments`,
            `DataSetDefinitionValueAssignments`, `Tags`, `Description`, `DisplayName`, `ParentRunId`, `RunSource` and
            `ContinueOnStepFailure`. Upper and lower case are the same in these keys, and others are ignored.

    Raises:
        PipelineNotFound: there is no such pipeline.
        UsageError: it is disabled, or the document is not valid.
        MlrunError: the pipeline cannot be submitted.
    """
    get_pipeline(workspace, pipeline_id)  # before its id becomes part of a path
    reader = _create_reader(document, "request")
    experiment_name = reader.get_text("ExperimentName")
    run_source = reader.find_text("RunSource") or _DEFAULT_SOURCE
    request = build_published_request(
        workspace,
        pipeline_id,
        experiment_name,
        read_publisher_variables(workspace, pipeline_id),
        continue_on_step_failure=None
        if reader.find("ContinueOnStepFailure") is None
        else reader.find_boolean("ContinueOnStepFailure", default=False),
        tags=reader.find_text_mapping("Tags"),
        properties={"runSource": run_source, "runType": "HTTP"},
        parent_run_id=reader.find_text("ParentRunId"),
        display_name=reader.find_text("DisplayName"),
        description=reader.find_text("Description"),
    )
    request, notes = remove_unknown_values(request._replace(values=_read_values(reader, request.graph)))
    with Interruptions() as interruptions:
        submitted = submit_pipeline(workspace, request, interruptions)
    return {
        "ExperimentName": experiment_name,
        "Id": submitted.run.run_id,
        "Notes": [*notes, *submitted.notes],
        "RunSource": run_source,
    }


def _create_reader(document: object, key_path: str) -> JsonReader:
    """Return a reader for a JSON object that matches the keys in `_KEYS` case-insensitively."""
    if isinstance(document, Mapping):
        document = {_KEYS.get(str(key).lower(), key): value for key, value in document.items()}
    return JsonReader(document, key_path)


def _read_values(reader: JsonReader, graph: Graph) -> dict[str, Any]:
    """Return the values of parameters, data paths and datasets, keyed by name."""
    values = {
        name: _convert_scalar(value, graph.parameters[name].kind if name in graph.parameters else "string")
        for name, value in reader.find_mapping("ParameterAssignments").items()
    }
    for name, value in reader.find_mapping("DataPathAssignments").items():
        path = _create_reader(value, f"request.DataPathAssignments.{name}")
        values[name] = DataPath(path.find_text("DataStoreName"), path.find_text("RelativePath") or "").to_json()
    for name, value in reader.find_mapping("DataSetDefinitionValueAssignments").items():
        values[name] = _read_dataset(value, f"request.DataSetDefinitionValueAssignments.{name}").to_json()
    return values


def _convert_scalar(value: Any, kind: str) -> Any:
    """Return a value converted to its parameter's type, since Azure's service passes every value as text.

    Raises:
        InvalidValue: the text is no value of that type.
    """
    if isinstance(value, str):
        return parse_parameter_value(kind, value)
    if kind == "string" and isinstance(value, (bool, int, float)):
        return str(value)
    return value


def _read_dataset(value: object, key_path: str) -> DatasetReference:
    """Return the dataset that is given by its id, or by its name and version.

    Raises:
        InvalidValue: it names none.
    """
    definition = _create_reader(value, key_path)
    for key in _DATASET_REFERENCES:
        if definition.find(key) is not None:
            reference = _create_reader(definition.find(key), f"{key_path}.{key}")
            version = reference.find("Version")
            return DatasetReference.from_json(
                JsonReader(
                    {
                        "id": reference.find("Id"),
                        "name": reference.find("Name"),
                        "version": int(version) if isinstance(version, str) and version.isdecimal() else version,
                    },
                    f"{key_path}.{key}",
                )
            )
    raise definition.build_error(f"expected one of {', '.join(_DATASET_REFERENCES)}")
