"""Where a run that is submitted gets its place: at once, or in the queue of its target."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from mlrun_cli.domain.compute_target import most_nodes
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.errors import RunNotFound, UsageError
from mlrun_cli.execution.gpus import gpus_of_machine
from mlrun_cli.execution.process import RUN_ID_VARIABLE
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.actions.submit import SubmitRequest


class Place(NamedTuple):
    """Whether a run waits for its place, and lines for stderr about that."""

    is_queued: bool
    notes: tuple[str, ...] = ()


def place_for(workspace: Workspace, configuration: RunConfiguration, request: SubmitRequest) -> Place:
    """Where a run of this configuration gets its place.

    Raises:
        UsageError: its target, or this machine, can never have room for it.
    """
    target = configuration.target
    most = most_nodes(workspace.compute_targets.find(target))
    if most is not None and configuration.node_count > most:
        raise UsageError(
            f"nodeCount: {configuration.node_count} nodes are asked for, and '{target}' has at most {most}.",
            hint="Ask for fewer, or give the target more (max_nodes).",
        )
    if request.gpu_count:
        _check_gpus(request.gpu_count)
    is_queued = most is not None or bool(request.gpu_count)
    return Place(is_queued, _held_by_parents(workspace, configuration, request, most))


def _check_gpus(wanted: int) -> None:
    there_are = len(gpus_of_machine(os.environ))
    if wanted > there_are:
        raise UsageError(
            f"{wanted} GPUs are asked for, and this machine has {there_are or 'none'}.",
            hint="Leave --gpus out, or ask for fewer. They are counted by nvidia-smi and CUDA_VISIBLE_DEVICES.",
        )


def _held_by_parents(
    workspace: Workspace, configuration: RunConfiguration, request: SubmitRequest, most: int | None
) -> tuple[str, ...]:
    """A line when the runs that this one is submitted from hold places that it needs itself."""
    if most is None:
        return ()
    holders = [run for run in _ancestors(workspace, request) if run.target == configuration.target]
    held = sum(run.node_count for run in holders if not run.status.is_terminal)
    if held + configuration.node_count <= most:
        return ()
    return (
        f"The run {holders[0].run_id} itself holds {held} of the {most} nodes of '{configuration.target}': this one "
        "starts when that has ended. If it waits for this one, both wait for ever: give the target more nodes.",
    )


def _ancestors(workspace: Workspace, request: SubmitRequest) -> list[Run]:
    """The run that this one is submitted from or as a child of, and those above it."""
    found: list[Run] = []
    run_id = request.parent_run_id or request.environment.get(RUN_ID_VARIABLE)
    while run_id is not None:
        try:
            found.append(workspace.runs.get(run_id))
        except RunNotFound:  # one of another workspace
            break
        run_id = found[-1].parent_run_id
    return found
