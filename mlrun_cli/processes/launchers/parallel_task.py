"""The launcher for steps that work on batches, with one process per node, of which the first hands out the batches."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.nodes import NodesLauncher


class ParallelTaskLauncher(NodesLauncher):
    """A launcher whose first process continues without the others if their nodes are lost."""

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return one process per node; all but the first are helpers."""
        first, *others = super().prepare_processes(ports)
        return [first, *(process._replace(is_server=True, is_helper=True) for process in others)]


LAUNCHER = ParallelTaskLauncher
