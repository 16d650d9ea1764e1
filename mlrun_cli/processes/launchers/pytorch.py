"""The launcher for PyTorch jobs, with the ranks, sizes and address variables that `torchrun` sets."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import MASTER_VARIABLES, Launcher, build_master_variables


class PytorchLauncher(Launcher):
    """A launcher that starts all processes of all nodes."""

    variables = MASTER_VARIABLES | {"LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "RANK", "WORLD_SIZE"}

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return the processes in the order of their ranks."""
        per_node = self.launch.process_count // self.launch.node_count
        sizes = {"WORLD_SIZE": str(self.launch.process_count), "LOCAL_WORLD_SIZE": str(per_node)}
        shared = self.build_shared_variables() | build_master_variables(self.addresses[0], ports[0]) | sizes
        processes = []
        for rank, log in enumerate(self.launch.log_names):
            node, local_rank = divmod(rank, per_node)
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "NODE_RANK": str(node)}
            processes.append(LaunchedProcess(node, shared | ranks, log))
        return processes


LAUNCHER = PytorchLauncher
