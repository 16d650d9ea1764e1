"""How a run's processes are started: which there are, on which node, and by which variables they find each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

_ADDRESS = "127.0.0.1"
# Open MPI refuses to run as root and on fewer cores than processes, unless told otherwise; version 5 has other names.
_OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
_OF_A_LAUNCH = frozenset(
    {
        "AZ_BATCHAI_MPI_MASTER_NODE",
        "AZ_BATCH_MASTER_NODE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "MASTER_ADDR",
        "MASTER_PORT",
        "NODE_RANK",
        "RANK",
        "TF_CONFIG",
        "WORLD_SIZE",
    }
)
_OF_MPI = ("OMPI_", "PMIX_", "PMI_", "PRTE_")


class LaunchKind(str, Enum):
    """Who starts the processes, and what they are told of each other."""

    NODES = "nodes"
    """One process per node."""
    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    MPI = "mpi"
    """One process, mpirun, which starts the others."""


class LaunchedProcess(NamedTuple):
    """One process: the number of its node, its own variables, and its log's name among the run's files.

    A server serves the others until they have ended, and has no end of its own.
    """

    node: int
    variables: Mapping[str, str]
    log: str
    is_server: bool = False


class Launch(NamedTuple):
    """The processes of a run, over all its nodes; `process_count` has the `server_count` in it.

    `launcher` is the program that starts them, where this is not the supervisor itself.
    """

    kind: LaunchKind = LaunchKind.NODES
    node_count: int = 1
    process_count: int = 1
    server_count: int = 0
    launcher: str | None = None

    @property
    def port_count(self) -> int:
        """How many free ports `processes` needs."""
        if self.kind is LaunchKind.TENSORFLOW:
            return self.process_count
        return 0 if self.kind is LaunchKind.NODES and self.node_count == 1 else 1

    @property
    def log_names(self) -> tuple[str, ...]:
        """The name of each process's log; MPI's launcher, which is none of them, has `STD_LOG`."""
        if self.process_count == 1:
            return (STD_LOG,)
        width = len(str(self.process_count - 1))
        return tuple(f"{PROCESS_LOG_PREFIX}{number:0{width}}.txt" for number in range(self.process_count))

    def prefix(self) -> list[str]:
        """The words in front of each process's own."""
        return [] if self.launcher is None else [self.launcher, "-np", str(self.process_count)]

    def processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Each process that the supervisor starts, the first one first; `ports` are free ports of this machine."""
        if self.kind is LaunchKind.TENSORFLOW:
            return self._tensorflow(ports)
        if self.kind is LaunchKind.MPI:
            return [LaunchedProcess(0, self._shared() | _OPEN_MPI | _master(ports[0]) | _batch(ports[0]), STD_LOG)]
        if self.kind is LaunchKind.PYTORCH:
            return self._pytorch(ports[0])
        if self.node_count == 1:
            return [LaunchedProcess(0, self._shared(), STD_LOG)]
        shared = self._shared() | _master(ports[0])
        return [
            LaunchedProcess(node, shared | {"NODE_RANK": str(node)}, log) for node, log in enumerate(self.log_names)
        ]

    def gpus_of(self, node: int, gpus: str) -> str:
        """Those of the run's GPUs that a node has: its own part, or all where they cannot be divided among the nodes.

        Args:
            node: the number of the node; what MPI's launcher starts has all.
            gpus: as CUDA_VISIBLE_DEVICES names them.
        """
        names = gpus.split(",")
        share, rest = divmod(len(names), self.node_count)
        if self.kind is LaunchKind.MPI or rest:
            return gpus
        return ",".join(names[node * share : (node + 1) * share])

    def _shared(self) -> dict[str, str]:
        return {"AZUREML_NODE_COUNT": str(self.node_count)}

    def _pytorch(self, port: int) -> list[LaunchedProcess]:
        per_node = self.process_count // self.node_count
        sizes = {"WORLD_SIZE": str(self.process_count), "LOCAL_WORLD_SIZE": str(per_node)}
        shared = self._shared() | _master(port) | sizes
        processes = []
        for rank, log in enumerate(self.log_names):
            node, local_rank = divmod(rank, per_node)
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "NODE_RANK": str(node)}
            processes.append(LaunchedProcess(node, shared | ranks, log))
        return processes

    def _tensorflow(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """The workers, of which the first is the one whose log is followed, then the parameter servers."""
        workers = self.process_count - self.server_count
        addresses = [f"{_ADDRESS}:{port}" for port in ports]
        cluster = {"worker": addresses[:workers]}
        if self.server_count:
            cluster["ps"] = addresses[workers:]
        processes = []
        for number, log in enumerate(self.log_names):
            is_server = number >= workers
            task = {"type": "ps" if is_server else "worker", "index": number - workers if is_server else number}
            config = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
            node = number % self.node_count
            variables = self._shared() | {"TF_CONFIG": config, "NODE_RANK": str(node)}
            processes.append(LaunchedProcess(node, variables, log, is_server))
        return processes

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return self._asdict() | {"kind": self.kind.value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Launch:
        """The launch that was written; what another version has put there besides is left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        return cls(**{**known, "kind": LaunchKind(document["kind"])})


def is_of_launch(variable: str) -> bool:
    """Whether a variable tells a process of the others of its run: what is started from it must not have it."""
    return variable in _OF_A_LAUNCH or variable.startswith(_OF_MPI)


def _master(port: int) -> dict[str, str]:
    return {"MASTER_ADDR": _ADDRESS, "MASTER_PORT": str(port)}


def _batch(port: int) -> dict[str, str]:
    """By these, scripts written for Azure find the first node."""
    return {"AZ_BATCHAI_MPI_MASTER_NODE": _ADDRESS, "AZ_BATCH_MASTER_NODE": f"{_ADDRESS}:{port}"}
