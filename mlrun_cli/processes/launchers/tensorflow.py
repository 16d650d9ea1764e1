"""The launcher for TensorFlow jobs, with workers and parameter servers described in `TF_CONFIG`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import Launcher


class TensorflowLauncher(Launcher):
    """A launcher that starts workers and parameter servers, each with its own address."""

    variables = frozenset({"NODE_RANK", "TF_CONFIG"})

    @property
    def port_count(self) -> int:
        """The number of free ports needed: one for each process."""
        return self.launch.process_count

    def get_node_log_name(self, node_index: int) -> str:
        """Return the name of the log of a node's first process; processes are dealt out to the nodes one by one."""
        return self.launch.log_names[node_index]

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return the workers, followed by the parameter servers; the log of the first worker is the one to follow."""
        workers = self.launch.process_count - self.launch.server_count
        count = self.launch.node_count
        addresses = [f"{self.addresses[number % count]}:{port}" for number, port in enumerate(ports)]
        cluster = {"worker": addresses[:workers]}
        if self.launch.server_count:
            cluster["ps"] = addresses[workers:]
        processes = []
        for number, log in enumerate(self.launch.log_names):
            is_server = number >= workers
            task = {"type": "ps" if is_server else "worker", "index": number - workers if is_server else number}
            config = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
            node = number % count
            variables = self.build_shared_variables() | {"TF_CONFIG": config, "NODE_RANK": str(node)}
            processes.append(LaunchedProcess(node, variables, log, is_server))
        return processes


LAUNCHER = TensorflowLauncher
