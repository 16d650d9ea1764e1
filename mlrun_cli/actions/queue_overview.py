"""An overview of the queues, with the running and waiting runs of each compute target."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.actions.compute_targets import list_target_names
from mlrun_cli.actions.runs import prepare_for_display
from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.runtime.queue import get_node_limit
from mlrun_cli.workspace import Workspace


class TargetOverview(NamedTuple):
    """The current load of a compute target.

    Attributes:
        name: the name of the target, which may have been deleted while runs are still on it.
        most_nodes: the limit of nodes in use at the same time; None means no limit.
        busy_nodes: the number of nodes in use.
        running: the runs on it, oldest first.
        waiting: the first waiting runs, in the order in which they will start.
        waiting_count: the number of all waiting runs.
    """

    name: str
    most_nodes: int | None
    busy_nodes: int
    running: Sequence[Run]
    waiting: Sequence[Run]
    waiting_count: int


def list_target_overviews(workspace: Workspace, max_waiting: int) -> Sequence[TargetOverview]:
    """Return the overviews of all targets, `local` first, each with at most `max_waiting` of its waiting runs.

    The next one to start comes first.
    """
    not_responding = reconcile(workspace)
    running: dict[str, list[Run]] = {}
    for run in workspace.runs.list_supervised_runs():
        running.setdefault(run.target or LOCAL_TARGET, []).append(run)
    names = list_target_names(workspace)
    names += sorted({*running, *workspace.queues.get_targets_in_use()} - set(names))
    return [
        TargetOverview(
            name=name,
            most_nodes=get_node_limit(workspace, name),
            busy_nodes=workspace.queues.count_busy_nodes(name),
            running=prepare_for_display(workspace, running.get(name, ()), not_responding),
            waiting=prepare_for_display(workspace, workspace.queues.list_runs(name, max_waiting), not_responding),
            waiting_count=len(workspace.queues.list_keys(name)),
        )
        for name in names
    ]
