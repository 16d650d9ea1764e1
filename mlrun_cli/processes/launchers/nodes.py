"""A process for each node."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import MASTER_VARIABLES, Launcher, build_master_variables


class NodesLauncher(Launcher):
    """Starts the script once on each node; a script on one node is told of no others."""

    variables = MASTER_VARIABLES | {"NODE_RANK"}

    @property
    def port_count(self) -> int:
        """Return the number of ports; 0 for a single process."""
        return 0 if self.launch.node_count == 1 else 1

    def list_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return a process for each node."""
        shared, logs = self.build_shared_variables(), self.launch.log_names
        if self.launch.node_count == 1:
            return [LaunchedProcess(0, shared, logs[0])]
        shared |= build_master_variables(ports[0])
        return [LaunchedProcess(node, shared | {"NODE_RANK": str(node)}, log) for node, log in enumerate(logs)]


LAUNCHER = NodesLauncher
