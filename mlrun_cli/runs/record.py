"""The records of a run, in Azure's shapes: as commands print it, as lists shorten it, and as the SDK details it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.time import format_iso
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus


def build_run_record(run: Run) -> dict[str, Any]:
    """Return the run as commands print it: snake_case, null keys left out; `run show` adds the address of its page.

    Keys as in azure-cli-ml's own records; `duration_seconds`, `exit_code`, `gpus`, `kept`, `signal` and `waiting_for`
    are ours.
    """
    record: dict[str, Any] = {
        "_experiment_name": run.experiment_name,
        "created_by": {"user_name": run.user_name},
        "created_utc": format_iso(run.created_at),
        "data_container_id": f"dcid.{run.run_id}",
        "description": run.description,
        "display_name": run.display_name,
        "duration_seconds": run.duration_seconds,
        "end_time_utc": None if run.ended_at is None else format_iso(run.ended_at),
        "error": run.error,
        "exit_code": run.exit_code,
        "experiment_id": run.experiment_id,
        "gpus": run.gpus.split(",") if run.gpus and run.status is not RunStatus.QUEUED else None,
        "hidden": run.hidden,
        "kept": run.is_kept or None,
        "parent_run_id": run.parent_run_id,
        "properties": dict(run.properties),
        "root_run_id": run.root_run_id,
        "root_run_uuid": run.root_run_uuid,
        "run_definition": run.definition,
        "run_id": run.run_id,
        "run_number": run.run_number,
        "run_type": run.run_type,
        "run_uuid": run.run_uuid,
        "script_name": run.script_name,
        "signal": run.signal,
        "start_time_utc": None if run.started_at is None else format_iso(run.started_at),
        "status": run.status.value,
        "tags": dict(run.tags),
        "target": run.target,
        "user_id": run.user_name,
        "waiting_for": run.waiting_for,
        "warnings": [{"message": text} for text in run.warnings] or None,
    }
    return {name: value for name, value in record.items() if value is not None}


def build_minimal_record(run: Run) -> dict[str, Any]:
    """Return the record of `run list --minimal`; keys and order are Azure's."""
    return {
        "RunId": run.run_id,
        "RunType": run.run_type,
        "Status": run.status.value,
        "StartTime": None if run.started_at is None else format_iso(run.started_at),
        "EndTime": None if run.ended_at is None else format_iso(run.ended_at),
        "Target": run.target,
        "Tags": dict(run.tags),
    }


def _build_input_records(definition: Mapping[str, Any] | None, section: str, kind: str) -> list[dict[str, Any]]:
    """Return the data of a run as its details list it."""
    return [
        {
            "dataset": {"id": entry.get("dataset_id")},
            "consumptionDetails": {
                "type": kind,
                "inputName" if section == "data" else "outputName": entry["name"],
                "mechanism": entry["mechanism"],
            },
        }
        for entry in (definition or {}).get(section) or ()
    ]


def build_run_details(run: Run, log_files: Mapping[str, str]) -> dict[str, Any]:
    """Return the run as `Run.get_details()` of the SDK gives it: camelCase, times absent until they are known."""
    details: dict[str, Any] = {
        "runId": run.run_id,
        "target": run.target,
        "status": run.status.value,
        "startTimeUtc": None if run.started_at is None else format_iso(run.started_at),
        "endTimeUtc": None if run.ended_at is None else format_iso(run.ended_at),
        "properties": dict(run.properties),
        "inputDatasets": _build_input_records(run.definition, "data", "RunInput"),
        "outputDatasets": _build_input_records(run.definition, "outputData", "RunOutput"),
        "runDefinition": run.definition,
        "logFiles": dict(log_files),
        "submittedBy": run.user_name,
        "error": run.error,
        "warnings": [{"message": text} for text in run.warnings] or None,
    }
    return {name: value for name, value in details.items() if value is not None}
