"""Backfill, which lets a limited number of small runs overtake a run that waits for nodes or GPUs.

The duration of a run is unknown, so an overtaking run may occupy for a long time the resources that a larger run waits
for. To prevent starvation, a run that needs N nodes or N GPUs is overtaken by at most N runs that use some of these
resources. After that, released resources are reserved for it.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from mlrun_cli.errors import RunNotFound
from mlrun_cli.processes.gpu_allocator import GpuAllocator
from mlrun_cli.runs.attempt import parse_attempts
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


class Backfill:
    """One pass through a queue, starting at its head."""

    def __init__(self, workspace: Workspace, gpu_allocator: GpuAllocator, starting_keys: Collection[int]) -> None:
        """Begin a pass; `starting_keys` is a live view of the keys of the runs that are being started."""
        self._workspace = workspace
        self._gpu_allocator = gpu_allocator
        self._starting = starting_keys
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
        """Return whether an earlier run that needs no more of the same GPUs has had to wait in this pass."""
        return any(
            run.gpu_count >= other.gpu_count and run.visible_gpus == other.visible_gpus for other in self._short_of_gpus
        )

    def can_overtake(self, run: Run) -> bool:
        """Return whether no earlier run that waits for the same resources has been overtaken too often."""
        if any(self._count_overtaking_runs(other) >= other.node_count for other in self._short_of_nodes):
            return False
        is_concerned = run.gpu_count and self._short_of_gpus
        wanted = set(self._gpu_allocator.list_usable_gpus(run.visible_gpus)) if is_concerned else set()
        for other in self._short_of_gpus:
            usable = set(self._gpu_allocator.list_usable_gpus(other.visible_gpus))
            if wanted & usable and self._count_overtaking_runs(other, usable) >= other.gpu_count:
                return False
        return True

    def _count_overtaking_runs(self, run: Run, gpu_ids: Collection[str] | None = None) -> int:
        """Return how many runs queued after this one have been started since it became ready.

        Only those that use `gpu_ids` GPUs are counted if these are given.
        """
        since = self._get_ready_time(run)
        allocated = self._workspace.queues.list_gpus_of_later_runs(run, since, self._starting)
        return len(allocated) if gpu_ids is None else sum(not gpus.isdisjoint(gpu_ids) for gpus in allocated)

    def _get_ready_time(self, run: Run) -> int:
        """Return the time, in microseconds, since which a queued run has been waiting only for free resources."""
        moments = [run.created_at, run.begin_at or 0, *(each.ended_at or 0 for each in parse_attempts(run.attempts))]
        if run.predecessor_key is not None:
            with suppress(RunNotFound):
                moments.append(self._workspace.runs.get_by_key(run.predecessor_key).ended_at or 0)
        return max(moments)
