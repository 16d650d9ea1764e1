"""Data flow between the steps of a pipeline: folders of datastores, and the data sections of a step's runconfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.data.placeholders import DATASET, OUTPUT, REFERENCE
from mlrun_cli.pipelines.graph import (
    FILE_DATASET,
    Argument,
    ArgumentReference,
    DataPath,
    DatasetReference,
    Graph,
    Output,
    ParameterReference,
    ParameterValue,
    Registration,
    Step,
    StepInput,
    StepOutput,
    Table,
)
from mlrun_cli.pipelines.parameter_values import format_parameter_value

PARAMETER_VARIABLE = "AML_PARAMETER_"
_STAGING = ".uploads"


class OutputLocation(NamedTuple):
    """The location of an output.

    Attributes:
        datastore: the datastore; None for the default one.
        path: the path in the datastore where other steps read it.
        written_path: the path where the script writes, which is another if it is uploaded at the end.
    """

    datastore: str | None
    path: str
    written_path: str


def compute_step_run_id(pipeline_run_id: str, step_key: str) -> str:
    """Return the id of a step run, which is derived from the pipeline run's id and the step's key."""
    import uuid  # noqa: PLC0415 - start-up

    return str(uuid.uuid5(uuid.UUID(pipeline_run_id), step_key))


def locate_output(graph: Graph, run_id: str, output_key: str, output: Output) -> OutputLocation:
    """Return the location of an output of a step run."""
    default = "dataset/{run-id}/{output-name}" if output.kind == FILE_DATASET else "azureml/{run-id}/{output-name}"
    path = (output.destination or default).strip("/").replace("{run-id}", run_id).replace("{output-name}", output_key)
    written = f"azureml/{run_id}/{_STAGING}/{output_key}" if output.mode == "upload" else path
    return OutputLocation(output.datastore or graph.default_datastore, path, written)


def build_output_sections(graph: Graph, step: Step, run_id: str) -> dict[str, dict[str, Any]]:
    """Return a runconfig's data sections for the outputs of a step run."""
    references: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for key, output in step.outputs.items():
        place = locate_output(graph, run_id, key, output)
        if output.kind == FILE_DATASET:
            location = {"dataPath": {"datastoreName": place.datastore, "relativePath": place.written_path}}
            entry: dict[str, Any] = {"outputLocation": location, "mechanism": "mount"}
            if output.registration is not None and output.mode != "upload":
                entry["additionalOptions"] = {"registrationOptions": _build_registration(output.registration)}
            outputs[key] = entry
        else:
            references[key] = {
                "dataStoreName": place.datastore,
                "pathOnDataStore": place.written_path,
                "pathOnCompute": output.path_on_compute,
                "mode": "upload",
                "isOutput": True,
            }
    return {"dataReferences": references, "outputData": outputs}


def build_input_sections(
    graph: Graph,
    step: Step,
    values: Mapping[str, ParameterValue],
    output_places: Mapping[StepOutput, OutputLocation],
    *,
    is_preview: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return a runconfig's data sections for the inputs of a step.

    Args:
        graph: the pipeline, whose default datastore is that of paths without one.
        step: the step.
        values: the values of the pipeline's parameters.
        output_places: where the outputs of other steps are.
        is_preview: whether the outputs of other steps need not exist yet.
    """
    references: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    follows_steps = bool(step.list_upstream_keys())
    for key, one in step.inputs.items():
        source = resolve_source(one, values)
        is_missing = is_preview and isinstance(source, StepOutput)
        if isinstance(source, StepOutput):
            source = DataPath(output_places[source].datastore, output_places[source].path)
        if isinstance(source, DataPath):
            source = DataPath(source.datastore or graph.default_datastore, source.path)
        if one.as_dataset or isinstance(source, DatasetReference):
            datasets[key] = {
                "dataLocation": _build_data_location(source, None if is_missing else one.table),
                "mechanism": "direct" if is_missing else one.mode,
                "pathOnCompute": one.path_on_compute,
            }
        else:
            references[key] = {
                "dataStoreName": source.datastore,
                "pathOnDataStore": source.path,
                "pathOnCompute": one.path_on_compute,
                "mode": "upload" if is_missing else one.mode,
                **({"isOutput": True} if is_missing else {}),
                **({"mayBeWrittenBefore": True} if is_preview and follows_steps and not is_missing else {}),
            }
    return {"dataReferences": references, "data": datasets}


def resolve_source(
    step_input: StepInput, values: Mapping[str, ParameterValue]
) -> DataPath | DatasetReference | StepOutput:
    """Return the source of an input, with a reference to a parameter replaced with the parameter's value."""
    source: object = (
        values[step_input.source.name] if isinstance(step_input.source, ParameterReference) else step_input.source
    )
    assert isinstance(source, (DataPath, DatasetReference, StepOutput))
    return source


def _build_registration(registration: Registration) -> dict[str, Any]:
    """Return the `registrationOptions` of a runconfig's output."""
    options = {"name": registration.name, "description": registration.description, "tags": dict(registration.tags)}
    table = registration.table
    more = {} if table is None else {"datasetRegistrationOptions": {"additionalTransformation": table.to_json()}}
    return {**options, **more}


def _build_data_location(source: DataPath | DatasetReference, table: Table | None) -> dict[str, Any]:
    """Return the `dataLocation` of a runconfig's data entry for a source."""
    if isinstance(source, DataPath) and table is not None:
        return {"dataset": {"definition": table.build_definition(source.datastore, source.path)}}
    if isinstance(source, DataPath):
        return {"dataPath": {"datastoreName": source.datastore, "relativePath": source.path}}
    found = {"id": source.dataset_id, "name": source.name, "version": source.version}
    return {"dataset": {key: value for key, value in found.items() if value is not None}}


def format_arguments(
    arguments: Sequence[Argument], step: Step, values: Mapping[str, ParameterValue]
) -> tuple[str, ...]:
    """Return arguments as strings, with references to data formatted as placeholders, as in runconfigs."""
    return tuple("".join(_format_part(part, step, values) for part in word) for word in arguments)


def _format_part(part: str | ArgumentReference, step: Step, values: Mapping[str, ParameterValue]) -> str:
    if isinstance(part, str):
        return part
    if part.kind == "parameter":
        return format_parameter_value(values[part.name])
    if part.kind == "step_parameter":
        return _format_step_value(step.parameters[part.name], values)
    if part.kind == "output" and step.outputs[part.name].kind == FILE_DATASET:
        return f"{OUTPUT}:{part.name}"
    if part.kind == "input" and step.inputs[part.name].as_dataset:
        return f"{DATASET}:{part.name}"
    return f"${{{REFERENCE}_{part.name}}}"


def build_parameter_variables(step: Step, values: Mapping[str, ParameterValue]) -> dict[str, str]:
    """Return the environment variables that contain a step's parameter values."""
    return {f"{PARAMETER_VARIABLE}{key}": _format_step_value(value, values) for key, value in step.parameters.items()}


def _format_step_value(value: str | float | bool | ParameterReference, values: Mapping[str, ParameterValue]) -> str:
    return format_parameter_value(values[value.name] if isinstance(value, ParameterReference) else value)
