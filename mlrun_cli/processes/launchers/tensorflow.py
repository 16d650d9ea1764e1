"""Workers and parameter servers that find each other by TensorFlow's `TF_CONFIG`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import ADDRESS, Launcher


class TensorflowLauncher(Launcher):
    """Starts workers and parameter servers, each with an address of its own."""

    variables = frozenset({"NODE_RANK", "TF_CONFIG"})

    @property
    def port_count(self) -> int:
        """Return the number of ports: one for each process."""
        return self.launch.process_count

    def list_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return the workers, of which the first is the one whose log is followed, then the parameter servers."""
        workers = self.launch.process_count - self.launch.server_count
        addresses = [f"{ADDRESS}:{port}" for port in ports]
        cluster = {"worker": addresses[:workers]}
        if self.launch.server_count:
            cluster["ps"] = addresses[workers:]
        processes = []
        for number, log in enumerate(self.launch.log_names):
            is_server = number >= workers
            task = {"type": "ps" if is_server else "worker", "index": number - workers if is_server else number}
            config = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
            node = number % self.launch.node_count
            variables = self.build_shared_variables() | {"TF_CONFIG": config, "NODE_RANK": str(node)}
            processes.append(LaunchedProcess(node, variables, log, is_server))
        return processes


LAUNCHER = TensorflowLauncher
