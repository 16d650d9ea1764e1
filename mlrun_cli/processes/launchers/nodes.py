"""The launcher for jobs with one process per node."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import MASTER_VARIABLES, Launcher, build_master_variables


class NodesLauncher(Launcher):
    """A launcher that starts the script once per node; with a single node, it sets no address variables."""

    variables = MASTER_VARIABLES | {"NODE_RANK"}

    @property
    def port_count(self) -> int:
        """The number of free ports needed: 0 for a single node, otherwise 1."""
        return 0 if self.launch.node_count == 1 else 1

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return one process per node."""
        shared, logs = self.build_shared_variables(), self.launch.log_names
        if self.launch.node_count == 1:
            return [LaunchedProcess(0, shared, logs[0])]
        shared |= build_master_variables(self.addresses[0], ports[0])
        return [LaunchedProcess(node, shared | {"NODE_RANK": str(node)}, log) for node, log in enumerate(logs)]


LAUNCHER = NodesLauncher
