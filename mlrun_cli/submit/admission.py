"""Where a run that is submitted gets its place: at once, or in the queue of its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mlrun_cli.actions.compute_targets import check_target
from mlrun_cli.errors import RunNotFound, UsageError
from mlrun_cli.processes.gpus import VISIBLE_GPUS, gpus_of_machine, usable_gpus
from mlrun_cli.processes.process import RUN_ID_VARIABLE
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.queue import node_limit
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.submit import SubmitRequest


class GpuWish(NamedTuple):
    """How many GPUs a run is to have, and of which.

    Attributes:
        wanted: how many; most runs have none.
        usable: the names of those that it may be given some of, as they are now.
        visible: the same as its submitter's CUDA_VISIBLE_DEVICES says it, None for all of the machine.
    """

    wanted: int = 0
    usable: Sequence[str] = ()
    visible: str | None = None


class Place(NamedTuple):
    """Whether a run waits for its place, and lines for stderr about that."""

    is_queued: bool
    notes: tuple[str, ...] = ()


def gpu_wish(workspace: Workspace, request: SubmitRequest) -> GpuWish:
    """The GPUs that a run is to have; the machine is asked, which takes its time.

    Raises:
        UsageError: there can never be as many.
    """
    if not request.gpu_count:
        return GpuWish()
    machine = gpus_of_machine()
    visible = request.environment.get(VISIBLE_GPUS)
    submitter = _find_run(workspace, request.environment.get(RUN_ID_VARIABLE))
    if submitter is not None and submitter.gpus is not None:
        lent = submitter.gpus.split(",")
        # What it was lent itself says nothing of what others may be lent.
        if visible is not None and set(usable_gpus(machine, visible)) <= set(lent):
            visible = submitter.visible_gpus
    usable = usable_gpus(machine, visible)
    if request.gpu_count > len(usable):
        asked = "1 GPU is" if request.gpu_count == 1 else f"{request.gpu_count} GPUs are"
        raise UsageError(
            f"{asked} asked for, and this machine has {len(usable) or 'none'}.",
            hint="Leave --gpus out, or ask for fewer. They are counted by nvidia-smi and CUDA_VISIBLE_DEVICES.",
        )
    return GpuWish(request.gpu_count, usable, visible)


def place_for(workspace: Workspace, configuration: RunConfiguration, request: SubmitRequest, wish: GpuWish) -> Place:
    """Where a run of this configuration gets its place, as its target is now.

    Raises:
        ComputeTargetNotFound: there is no such target.
        UsageError: it can never have room for the run.
    """
    target = configuration.target
    check_target(workspace, target)
    demand = Demand(configuration.node_count, wish.wanted, configuration.max_run_duration_seconds)
    with configuration.telling_place():
        find_target(workspace, target).check(demand)
    most = node_limit(workspace, target)
    is_queued = most is not None or bool(wish.wanted)
    if not is_queued:
        return Place(is_queued)
    parents = [run for run in _ancestors(workspace, request) if not run.status.is_terminal]
    return Place(is_queued, (*_nodes_of_parents(parents, configuration, most), *_gpus_of_parents(parents, wish)))


def _nodes_of_parents(parents: Sequence[Run], configuration: RunConfiguration, most: int | None) -> tuple[str, ...]:
    """A line when the runs that this one is submitted from hold nodes that it needs itself."""
    holders = [run for run in parents if run.target == configuration.target]
    held = sum(run.node_count for run in holders)
    if most is None or held + configuration.node_count <= most:
        return ()
    return (
        f"The run {holders[0].run_id} itself holds {held} of the {most} nodes of '{configuration.target}': this one "
        "starts when that has ended. If it waits for this one, both wait for ever: give the target more nodes.",
    )


def _gpus_of_parents(parents: Sequence[Run], wish: GpuWish) -> tuple[str, ...]:
    """The same about GPUs."""
    holders = [run for run in parents if run.gpus is not None]
    held = {name for run in holders for name in (run.gpus or "").split(",")} & set(wish.usable)
    if not held or len(wish.usable) - len(held) >= wish.wanted:
        return ()
    return (
        f"The run {holders[0].run_id} itself holds {len(held)} of the {len(wish.usable)} GPUs that this one may have: "
        "this one starts when that has ended. If it waits for this one, both wait for ever: leave --gpus out, and this "
        "one uses those of that run.",
    )


def _ancestors(workspace: Workspace, request: SubmitRequest) -> list[Run]:
    """The run that this one is submitted from or as a child of, and those above it."""
    found: list[Run] = []
    above = _find_run(workspace, request.parent_run_id or request.environment.get(RUN_ID_VARIABLE))
    while above is not None:
        found.append(above)
        above = _find_run(workspace, above.parent_run_id)
    return found


def _find_run(workspace: Workspace, run_id: str | None) -> Run | None:
    """The run; None when there is none, or it is one of another workspace."""
    try:
        return None if run_id is None else workspace.runs.get(run_id)
    except RunNotFound:
        return None
