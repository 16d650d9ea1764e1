"""The launch of a run: which processes it has, on how many nodes, and how they find each other."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

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
    """The kinds of launches: a module of `launchers` each."""

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
    def log_names(self) -> tuple[str, ...]:
        """The name of each process's log; MPI's launcher, which is none of them, has `STD_LOG`."""
        if self.process_count == 1:
            return (STD_LOG,)
        width = len(str(self.process_count - 1))
        return tuple(f"{PROCESS_LOG_PREFIX}{number:0{width}}.txt" for number in range(self.process_count))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads."""
        return self._asdict() | {"kind": self.kind.value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Launch:
        """Return the launch in a JSON object; keys of other versions are left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        return cls(**{**known, "kind": LaunchKind(document["kind"])})


def is_launch_variable(variable: str) -> bool:
    """Return whether a variable tells a process of the others of its run: what it submits must not have it."""
    return variable in _OF_A_LAUNCH or variable.startswith(_OF_MPI)
