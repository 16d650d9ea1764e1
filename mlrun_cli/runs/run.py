"""A run as the store knows it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS
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
