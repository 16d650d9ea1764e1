"""A run as the store knows it, and its records, in Azure's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, format_iso
from mlrun_cli.processes.host import Origin
from mlrun_cli.runs.status import RunStatus

SCRIPT_RUN = "azureml.scriptrun"
INTERACTIVE_RUN = "azureml.interactiverun"
"""A run without a script of its own: a process opens it, logs to it and ends it."""


class Run(NamedTuple):
    """One execution of a script.

    `key` is the store's integer, which rises with time; moments are microseconds in UTC; `parent_name` is what people
    see of the parent;
    `error` has Azure's shape `{"error": {"code", "message", "details", "debugInfo"}}`. `owner_lock` is the folder,
    relative to the workspace's, whose lock the owner of the run holds while it lives; None means the run's own folder,
    with the lock of its supervisor. `failed_with` is the error of whoever outside had it stopped as Failed. `gpus` are
    those that it was given and `visible_gpus` those that its submitter may use, None for all of the machine, both as
    CUDA_VISIBLE_DEVICES names them; `waiting_for` says what a queued run waits for, and is found out when it is looked
    at. `is_kept` says that it is not to be pruned.
    """

    key: int
    run_id: str
    run_uuid: str
    run_number: int
    experiment_id: str
    experiment_name: str
    run_type: str
    status: RunStatus
    created_at: int
    user_name: str
    root_run_id: str
    root_run_uuid: str
    parent_run_id: str | None = None
    parent_name: str | None = None
    display_name: str | None = None
    description: str | None = None
    script_name: str | None = None
    target: str | None = None
    hidden: bool = False
    started_at: int | None = None
    ended_at: int | None = None
    duration_seconds: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    error: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    definition: Mapping[str, Any] | None = None
    wanted_status: RunStatus | None = None
    wanted_error: Mapping[str, Any] | None = None
    origin: Origin | None = None
    lease_until: int | None = None
    cancel_grace_seconds: float | None = None
    experiment_key: int = 0
    root_key: int | None = None
    owner_lock: str | None = None
    failed_with: Mapping[str, Any] | None = None
    node_count: int = 1
    gpu_count: int = 0
    gpus: str | None = None
    visible_gpus: str | None = None
    waiting_for: str | None = None
    is_kept: bool = False
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})

    def elapsed_seconds(self, at: int) -> float | None:
        """Return the seconds that the script has run until `at`, or until its end; None before its start."""
        if self.duration_seconds is not None:
            return self.duration_seconds
        if self.started_at is None:
            return None
        return max(0, (self.ended_at or at) - self.started_at) / MICROSECONDS


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
