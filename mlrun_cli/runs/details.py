"""The details of a run in the format of Azure's `Run.get_details()`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.time import format_iso
from mlrun_cli.runs.run import Run

DATA = "data"
OUTPUT_DATA = "outputData"


def build_run_details(run: Run, log_files: Mapping[str, str], output_ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the details of a run as in the SDK's `Run.get_details()`, in camelCase and without null values.

    Args:
        run: the run.
        log_files: the URLs of its logs, keyed by name.
        output_ids: the ids of the datasets that its outputs are, keyed by the names of the outputs.
    """
    details: dict[str, Any] = {
        "runId": run.run_id,
        "target": run.target,
        "status": run.status.value,
        "startTimeUtc": None if run.started_at is None else format_iso(run.started_at),
        "endTimeUtc": None if run.ended_at is None else format_iso(run.ended_at),
        "properties": dict(run.properties),
        "inputDatasets": [_build_input_record(entry) for entry in _list_entries(run, DATA)],
        "outputDatasets": [_build_output_record(name, dataset_id) for name, dataset_id in output_ids.items()],
        "runDefinition": _build_definition(run),
        "logFiles": dict(log_files),
        "submittedBy": run.user_name,
        "error": run.error,
        "warnings": [{"message": text} for text in run.warnings] or None,
    }
    return {name: value for name, value in details.items() if value is not None}


def _list_entries(run: Run, section: str) -> list[dict[str, Any]]:
    return (run.definition or {}).get(section) or []


def _build_input_record(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dataset": {"id": entry.get("dataset_id")},
        "consumptionDetails": {
            "type": "RunInput",
            "inputName": entry["name"],
            "mechanism": entry["mechanism"].capitalize(),
        },
    }


def _build_output_record(name: str, dataset_id: str) -> dict[str, Any]:
    return {
        "identifier": {"savedId": dataset_id},
        "outputType": "RunOutput",
        "outputDetails": {"outputName": name},
        "dataset": {"id": dataset_id},
    }


def _build_definition(run: Run) -> dict[str, Any] | None:
    """Return a run's definition with the sections of its data keyed by name, as in Azure's runconfigs."""
    if run.definition is None:
        return None
    definition = dict(run.definition)
    if DATA in definition:
        definition[DATA] = {entry["name"]: _build_data_section(entry) for entry in _list_entries(run, DATA)}
    if OUTPUT_DATA in definition:
        definition[OUTPUT_DATA] = {
            entry["name"]: _build_output_section(entry, run.properties) for entry in _list_entries(run, OUTPUT_DATA)
        }
    return definition


def _build_data_section(entry: Mapping[str, Any]) -> dict[str, Any]:
    dataset_id = entry.get("dataset_id")
    dataset = None if dataset_id is None else {"id": dataset_id, "name": None, "version": None}
    return {
        "dataLocation": {"dataset": dataset, "dataPath": None, "uri": None},
        "mechanism": entry["mechanism"].capitalize(),
        "environmentVariableName": entry["name"],
        "pathOnCompute": entry.get("path_on_compute"),
        "overwrite": False,
    }


def _build_output_section(entry: Mapping[str, Any], properties: Mapping[str, str]) -> dict[str, Any]:
    registration = entry.get("registration") or {}
    origin = {
        "azureml.pipelineRunId": properties.get("azureml.pipelinerunid"),
        "azureml.pipelineRun.moduleNodeId": properties.get("azureml.nodeid"),
    }
    options = {
        "name": registration.get("name"),
        "description": registration.get("description"),
        "tags": registration.get("tags"),
        "properties": {**origin, "azureml.pipelineRun.outputPortName": entry["name"]} if all(origin.values()) else None,
    }
    path = {"datastoreName": entry["datastore"], "relativePath": entry["relative_path"]}
    return {
        "outputLocation": {"dataset": None, "dataPath": path, "uri": None},
        "mechanism": entry["mechanism"].capitalize(),
        "additionalOptions": {"pathOnCompute": None, "registrationOptions": options},
    }
