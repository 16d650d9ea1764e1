"""A run, and its records in Azure's formats.

A field of the record is a field of `Run` and a line of `build_run_record`. A stored one is also a column of the same
name: a step in the schema of each dialect (`store/db/sqlite/migrations.py`), and its value where it becomes known.
For the submit, this is `runs/new_run_fields.py` for runs of all kinds, or `submit/new_run.py` for those of a script.
While a run is live, its supervisor sets the columns that `SupervisorColumns` lists. The store reads
and writes columns by the fields of `Run`, and hides secrets in those of `FREE_TEXTS`; the few fields that are no
columns are named in `store/runs/rows.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from mlrun_cli.core.durations import format_clock
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, format_iso
from mlrun_cli.processes.host import Origin
from mlrun_cli.runs.status import RunStatus

if TYPE_CHECKING:
    from mlrun_cli.runs.attempt import Documents
    from mlrun_cli.runs.outcome import Outcome

SCRIPT_RUN = "azureml.scriptrun"
RERUN_TAG = "rerun_of"
"""The tag of a run that repeats another one; its value is the id of that."""
INTERACTIVE_RUN = "azureml.interactiverun"
"""The type of a run without a script of its own: a process starts the run, logs to it and ends it."""

FREE_TEXTS = frozenset({"display_name", "description"})
"""The fields with texts of users and scripts, in which secrets are hidden before they are stored."""
ERRORS = frozenset({"error", "wanted_error", "failed_with"})
"""The fields with errors, in which they are hidden too."""


class Run(NamedTuple):
    """An execution of a script.

    `key` is the store's integer, which rises with time; times are in microseconds in UTC; `parent_name` is the name
    under which the parent is shown. `error` has Azure's format `{"error": {"code", "message", "details",
    "debugInfo"}}`. `owner_lock` is the folder, relative to the workspace's, whose lock the owner of the run holds
    while it is alive; None means the run's own folder, with the lock of its supervisor. `failed_with` is the error
    given by a process other than the script that had the run stopped as Failed. `gpus` are the GPUs that the run was
    given and `visible_gpus` those that its submitter may use, None for all of the machine, both as in
    CUDA_VISIBLE_DEVICES; `waiting_for` is the reason why a queued run waits, and is determined only when the run is
    shown. `is_kept` excludes it from pruning. `attempts` are the documents of its attempts (see `runs.attempt`) if its
    script was started again. A queued run starts after the run `predecessor_key` has completed and not before
    `begin_at`, and before the runs of its queue with a lower `priority`. `controller` is the kind of the process that
    the run has instead of a supervisor, such as that of a sweep, which starts its child runs; None for other runs.
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
    attempts: tuple[Mapping[str, Any], ...] = ()
    predecessor_key: int | None = None
    begin_at: int | None = None
    priority: int = 0
    controller: str | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})

    def compute_elapsed_seconds(self, timestamp: int) -> float | None:
        """Return for how many seconds the script ran, or has run until the given time; None if it has not started."""
        if self.duration_seconds is not None:
            return self.duration_seconds
        if self.started_at is None:
            return None
        return max(0, (self.ended_at or timestamp) - self.started_at) / MICROSECONDS


class SupervisorColumns(TypedDict, total=False):
    """The columns that supervisors may set with the status of a run, here or by an event from a node.

    The collector takes no others from an event, since the shared folder is not trusted.
    """

    attempts: Documents
    boot_id: str
    cancel_grace_seconds: float
    duration_seconds: float
    host_id: str
    lease_until: int
    pid_namespace: str
    started_at: int


def describe_end(run: Run, timestamp: int) -> str:
    """Return a run's status with any exit code or signal and its elapsed time: `Failed (exit code 3) after 0:01:05`."""
    how = f" (signal {run.signal})" if run.signal else ""
    if run.exit_code:
        how = f" (exit code {run.exit_code})"
    elapsed = run.compute_elapsed_seconds(timestamp)
    return f"{run.status.value}{how}" + ("" if elapsed is None else f" after {format_clock(elapsed)}")


def build_run_record(run: Run) -> dict[str, Any]:
    """Return the record of a run that commands print, in snake_case and without keys whose values are null.

    `run show` adds the URL of the run's page. The keys are those of azure-cli-ml; `attempts`, `duration_seconds`,
    `exit_code`, `gpus`, `kept`, `signal` and `waiting_for` are additions.
    """
    record: dict[str, Any] = {
        "attempts": _list_attempt_records(run),
        "_experiment_name": run.experiment_name,
        "created_by": {"user_name": run.user_name},
        "created_utc": format_iso(run.created_at),
        "data_container_id": f"dcid.{run.run_id}",
        "description": run.description,
        "display_name": run.display_name,
        "duration_seconds": run.duration_seconds if run.ended_at is None else run.compute_elapsed_seconds(run.ended_at),
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


def _list_attempt_records(run: Run) -> list[dict[str, Any]] | None:
    if not run.attempts:
        return None
    from mlrun_cli.runs.attempt import build_attempt_records, list_attempts  # noqa: PLC0415 - start-up: few runs have any

    return build_attempt_records(list_attempts(run.attempts, find_run_outcome(run)))


def find_run_outcome(run: Run) -> Outcome | None:
    """Return the outcome of an ended run, without its duration; None if the run has not ended."""
    from mlrun_cli.runs.outcome import Outcome  # noqa: PLC0415 - start-up

    if not run.status.is_terminal:
        return None
    return Outcome(run.status, run.ended_at or 0, None, run.exit_code, run.signal, run.error)


def build_minimal_record(run: Run) -> dict[str, Any]:
    """Return the record of a run for `run list --minimal`, with Azure's keys in Azure's order."""
    return {
        "RunId": run.run_id,
        "RunType": run.run_type,
        "Status": run.status.value,
        "StartTime": None if run.started_at is None else format_iso(run.started_at),
        "EndTime": None if run.ended_at is None else format_iso(run.ended_at),
        "Target": run.target,
        "Tags": dict(run.tags),
    }
