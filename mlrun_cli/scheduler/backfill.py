"""Backfill: runs that overtake, in a queue, runs that find no room for all that they need, a bounded number of times.

Nobody knows when a run will end: one that overtakes may keep for long what a larger one waits for. So that the larger
one gets its turn all the same, a run that needs N nodes, or N GPUs, is overtaken by N runs that take some of what it
needs. What becomes free then is left for it.
"""

from __future__ import annotations

from collections.abc import Collection

from mlrun_cli.runs.run import Run
from mlrun_cli.scheduler.gpu_allocator import GpuAllocator
from mlrun_cli.workspace import Workspace


class Backfill:
    """One pass through a queue, from its head on."""

    def __init__(self, workspace: Workspace, gpu_allocator: GpuAllocator, starting: Collection[int]) -> None:
        """`starting` has the keys, as they come and go, of the runs that are being started."""
        self._workspace = workspace
        self._gpu_allocator = gpu_allocator
        self._starting = starting
        self._short_of_nodes: list[Run] = []
        self._short_of_gpus: list[Run] = []

    def record_node_shortage(self, run: Run) -> None:
        """Record that a run has to wait for nodes."""
        # One that needs no less than one before it has its turn after that.
        if all(run.node_count < other.node_count for other in self._short_of_nodes):
            self._short_of_nodes.append(run)

    def record_gpu_shortage(self, run: Run) -> None:
        """Record that a run has to wait for GPUs."""
        self._short_of_gpus.append(run)

    def is_short_of_gpus(self, run: Run) -> bool:
        """Return whether an earlier run that needs as many of the same GPUs or fewer has found too few."""
        return any(
            run.gpu_count >= other.gpu_count and run.visible_gpus == other.visible_gpus for other in self._short_of_gpus
        )

    def may_overtake(self, run: Run) -> bool:
        """Return whether no earlier run that waits for the same resources has been overtaken too often."""
        if any(self._count_overtaking(other) >= other.node_count for other in self._short_of_nodes):
            return False
        wanted = set(self._gpu_allocator.list_usable(run)) if run.gpu_count and self._short_of_gpus else set()
        for other in self._short_of_gpus:
            usable = set(self._gpu_allocator.list_usable(other))
            if wanted & usable and self._count_overtaking(other, usable) >= other.gpu_count:
                return False
        return True

    def _count_overtaking(self, run: Run, usable: Collection[str] | None = None) -> int:
        """Return the number of later runs that were started: all, or those that use any of these GPUs."""
        allocated = self._workspace.queues.list_gpus_of_later_runs(run.target or "", run.key, self._starting)
        return len(allocated) if usable is None else sum(not gpus.isdisjoint(usable) for gpus in allocated)
