"""Admission of a run: whether it starts immediately or goes through the queue of its target."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from mlrun_cli.actions.compute_targets import check_target_exists
from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InUse, NotEnoughGpus, RunNotFound
from mlrun_cli.processes.gpus import VISIBLE_GPUS, list_gpus, select_usable_gpus
from mlrun_cli.processes.process import RUN_ID_VARIABLE
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.queue import QueueFolder, get_node_limit
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace


class GpuRequest(NamedTuple):
    """The GPUs that a run requests for exclusive use.

    Attributes:
        gpu_count: the number of GPUs, 0 for most runs.
        usable: the names of the GPUs that the run may currently get.
        visible: the submitter's CUDA_VISIBLE_DEVICES; None means all GPUs of the machine.
    """

    gpu_count: int = 0
    usable: Sequence[str] = ()
    visible: str | None = None


class Admission(NamedTuple):
    """The result of admitting a run: whether it goes through the queue, and lines for stderr."""

    is_queued: bool
    notes: tuple[str, ...] = ()


def build_gpu_request(workspace: Workspace, target: str, request: SubmitRequest) -> GpuRequest:
    """Build the request for the GPUs that a run needs.

    The GPUs of this machine are listed only if the run needs any of them, because listing them is slow.

    Raises:
        UsageError: the machine has fewer GPUs.
    """
    if not request.gpu_count:
        return GpuRequest()
    if not get_target(workspace, target).lends_gpus:
        return GpuRequest(request.gpu_count)
    machine = list_gpus()
    visible = request.environment.get(VISIBLE_GPUS)
    submitter = _find_run(workspace, request.environment.get(RUN_ID_VARIABLE))
    if submitter is not None and submitter.gpus is not None:
        lent = submitter.gpus.split(",")
        # What it was lent itself says nothing of what others may be lent.
        if visible is not None and set(select_usable_gpus(machine, visible)) <= set(lent):
            visible = submitter.visible_gpus
    usable = select_usable_gpus(machine, visible)
    if request.gpu_count > len(usable):
        needed = "1 GPU is" if request.gpu_count == 1 else f"{request.gpu_count} GPUs are"
        raise NotEnoughGpus(
            f"{needed} asked for, and this machine has {len(usable) or 'none'}.",
            hint="Use fewer GPUs (--gpus); they are counted by nvidia-smi and CUDA_VISIBLE_DEVICES.",
        )
    return GpuRequest(request.gpu_count, usable, visible)


def determine_admission(
    workspace: Workspace, configuration: RunConfiguration, request: SubmitRequest, gpus: GpuRequest
) -> Admission:
    """Return whether a run goes through its target's queue, and notes; raise if the run is not admitted.

    Raises:
        ComputeTargetNotFound: the target does not exist.
        InUse: a dispatcher of an earlier version would start it too early.
        UsageError: the target can never run it.
    """
    target = configuration.target
    check_target_exists(workspace, target)
    demand = Demand(configuration.node_count, gpus.gpu_count, configuration.max_run_duration_seconds)
    found = get_target(workspace, target)
    with configuration.locate_errors():
        found.check_demand(demand)
    if request.predecessor is not None or request.begin_at is not None:
        _check_dispatcher_version(workspace, target, "--begin" if request.predecessor is None else "--after")
    most = get_node_limit(workspace, target)
    is_held = found.lends_gpus and (request.predecessor is not None or request.begin_at is not None)
    is_queued = is_held or most is not None or (bool(gpus.gpu_count) and found.lends_gpus)
    if not is_queued:
        has_no_queue = bool(request.priority) and found.lends_gpus
        return Admission(is_queued, (f"--priority: '{target}' has no queue, the run starts at once.",) * has_no_queue)
    parents = [run for run in _list_ancestors(workspace, request) if not run.status.is_terminal]
    return Admission(
        is_queued,
        (
            *_list_priority_warnings(workspace, target, request),
            *_list_held_node_warnings(parents, configuration, most),
            *_list_held_gpu_warnings(parents, gpus),
        ),
    )


def _check_dispatcher_version(workspace: Workspace, target: str, option_name: str) -> None:
    """Raise if the queue's dispatcher is of an earlier version, which does not support the option `option_name`."""
    folder = QueueFolder(workspace, target)
    if folder.has_old_dispatcher():
        raise InUse(
            f"{option_name}: the dispatcher of the queue of '{target}' is still that of an earlier mlrun-cli, which"
            " would start the run too early.",
            hint="Try again when no run waits there any more, or end it; running runs go on: fuser -k"
            f" {shlex.quote(os.fspath(get_counterpart(folder.lock)))}",
            target=option_name,
        )


def _list_priority_warnings(workspace: Workspace, target: str, request: SubmitRequest) -> tuple[str, ...]:
    """Return one warning if the request has a priority that an old dispatcher ignores, and otherwise an empty tuple."""
    if not request.priority or not QueueFolder(workspace, target).has_old_dispatcher():
        return ()
    return (
        f"--priority: the dispatcher of the queue of '{target}' is still that of an earlier mlrun-cli, which starts"
        " runs in the order in which they were submitted. Priorities count when no run waits there any more.",
    )


def _list_held_node_warnings(
    parents: Sequence[Run], configuration: RunConfiguration, node_limit: int | None
) -> tuple[str, ...]:
    """Return one warning if the new run needs nodes that its ancestors hold, and otherwise an empty tuple."""
    holders = [run for run in parents if run.target == configuration.target]
    held = sum(run.node_count for run in holders)
    if node_limit is None or held + configuration.node_count <= node_limit:
        return ()
    return (
        f"The run {holders[0].run_id} itself holds {held} of the {node_limit} nodes of '{configuration.target}': this "
        "one starts when that has ended. If it waits for this one, both wait for ever: give the target more nodes.",
    )


def _list_held_gpu_warnings(parents: Sequence[Run], gpus: GpuRequest) -> tuple[str, ...]:
    """Return one warning if the new run needs GPUs that its ancestors hold, and otherwise an empty tuple."""
    holders = [run for run in parents if run.gpus is not None]
    held = {name for run in holders for name in (run.gpus or "").split(",")} & set(gpus.usable)
    if not held or len(gpus.usable) - len(held) >= gpus.gpu_count:
        return ()
    return (
        f"The run {holders[0].run_id} itself holds {len(held)} of the {len(gpus.usable)} GPUs that this one may have: "
        "this one starts when that has ended. If it waits for this one, both wait for ever: leave --gpus out, and this "
        "one uses those of that run.",
    )


def _list_ancestors(workspace: Workspace, request: SubmitRequest) -> list[Run]:
    """Return the ancestors of a new run: its parent or the run that submits it, followed by that run's ancestors."""
    found: list[Run] = []
    above = _find_run(workspace, request.parent_run_id or request.environment.get(RUN_ID_VARIABLE))
    while above is not None:
        found.append(above)
        above = _find_run(workspace, above.parent_run_id)
    return found


def _find_run(workspace: Workspace, run_id: str | None) -> Run | None:
    """Return the run with this id, or None if it does not exist in the workspace."""
    try:
        return None if run_id is None else workspace.runs.get(run_id)
    except RunNotFound:
        return None
