"""Which runs may pass others in a queue: those that need less than what finds no room, a bounded number of times.

Nobody knows when a run will end: one that passes may keep for long what a larger one waits for. So that it gets its
turn all the same, a run that needs N nodes, or N GPUs, is passed by N runs that take some of what it needs. What
becomes free then is left for it.
"""

from __future__ import annotations

from collections.abc import Collection

from mlrun_cli.runs.run import Run
from mlrun_cli.scheduler.gpu_allocator import GpuLender
from mlrun_cli.workspace import Workspace


class Passing:
    """One look at a queue, from its head on."""

    def __init__(self, workspace: Workspace, gpu_lender: GpuLender, starting: Collection[int]) -> None:
        """`starting` has the keys, as they come and go, of the runs that are being started."""
        self._workspace = workspace
        self._gpu_lender = gpu_lender
        self._starting = starting
        self._for_nodes: list[Run] = []
        self._for_gpus: list[Run] = []

    def lacks_nodes(self, run: Run) -> None:
        """A run waits for nodes."""
        # One that needs no less than one before it has its turn after that.
        if all(run.node_count < other.node_count for other in self._for_nodes):
            self._for_nodes.append(run)

    def lacks_gpus(self, run: Run) -> None:
        """A run waits for GPUs."""
        self._for_gpus.append(run)

    def would_lack_gpus(self, run: Run) -> bool:
        """Whether one before it that needs no more, and may have the same, has found too few."""
        return any(
            run.gpu_count >= other.gpu_count and run.visible_gpus == other.visible_gpus for other in self._for_gpus
        )

    def may_pass(self, run: Run) -> bool:
        """Whether none of those that wait for what it would take has been passed so often that it is its turn."""
        if any(self._passed(other) >= other.node_count for other in self._for_nodes):
            return False
        wanted = set(self._gpu_lender.usable(run)) if run.gpu_count and self._for_gpus else set()
        for other in self._for_gpus:
            usable = set(self._gpu_lender.usable(other))
            if wanted & usable and self._passed(other, usable) >= other.gpu_count:
                return False
        return True

    def _passed(self, run: Run, usable: Collection[str] | None = None) -> int:
        """How many that came later have been started: all, or those that were lent some of these GPUs."""
        lent = self._workspace.queues.list_gpus_of_later_runs(run.target or "", run.key, self._starting)
        return len(lent) if usable is None else sum(not gpus.isdisjoint(usable) for gpus in lent)
