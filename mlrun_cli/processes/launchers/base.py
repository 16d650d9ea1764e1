"""The interface of launchers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from mlrun_cli.processes.launch import Launch, LaunchedProcess

ADDRESS = "127.0.0.1"


MASTER_VARIABLES = frozenset({"MASTER_ADDR", "MASTER_PORT"})


class Launcher(ABC):
    """A launcher, which starts the processes of one launch and gives them each other's addresses.

    Attributes:
        addresses: the addresses of the nodes, by number.
        has_own_machines: True if the nodes are machines of an engine's job; else all of them are this machine.
        mpi_variables: environment variables by which the engine of such a job tells MPI's launcher about its nodes.
        passes_signals: True if the processes that the supervisor starts pass a signal on to those of the script.
        variables: the names of variables whose values are specific to a run or process.
        variable_prefixes: prefixes of the names of further variables of this kind.
    """

    variables: ClassVar[frozenset[str]] = frozenset()
    variable_prefixes: ClassVar[tuple[str, ...]] = ()

    passes_signals: ClassVar[bool] = False

    def __init__(
        self,
        launch: Launch,
        addresses: Sequence[str] = (),
        mpi_variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Create a launcher; without addresses, all nodes are this machine."""
        self.launch = launch
        self.addresses = tuple(addresses) or (ADDRESS,) * launch.node_count
        self.has_own_machines = bool(addresses)
        self.mpi_variables = dict(mpi_variables)

    @property
    def port_count(self) -> int:
        """The number of free ports that `prepare_processes` needs."""
        return 1

    @abstractmethod
    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Prepare and return the processes that the supervisor starts, in rank order.

        Args:
            ports: free ports of this machine, `port_count` of them.
        """

    def build_command_prefix(self) -> list[str]:
        """Return the words to insert before the command line of each process."""
        return []

    def build_command(self, artifacts_folder: Path, argv: Sequence[str]) -> list[str]:
        """Return the command line of each process that the supervisor starts.

        Args:
            artifacts_folder: the folder with the logs.
            argv: the script's own command line.
        """
        del artifacts_folder
        return [*self.build_command_prefix(), *argv]

    def get_gpu_share(self, node_index: int, gpus: str) -> str:
        """Return a node's share of the GPUs, or all of them if they cannot be divided evenly among the nodes.

        Args:
            node_index: the index of the node.
            gpus: the GPUs in the format of CUDA_VISIBLE_DEVICES.
        """
        names = gpus.split(",")
        share, rest = divmod(len(names), self.launch.node_count)
        return gpus if rest else ",".join(names[node_index * share : (node_index + 1) * share])

    def get_node_log_name(self, node_index: int) -> str:
        """Return the name of the log of a node's first process; by default, processes are in the order of nodes."""
        return self.launch.log_names[node_index * (self.launch.process_count // self.launch.node_count)]

    def identify_failed_process(
        self, artifacts_folder: Path, first_failed_index: int, has_exception: Callable[[Path], bool]
    ) -> tuple[int, str]:
        """Return the index and the log name of the process that failed first.

        Args:
            artifacts_folder: the folder with the logs.
            first_failed_index: the index of the process, among those started by the supervisor, that failed first.
            has_exception: a function that returns whether a log ends with an exception.
        """
        del artifacts_folder, has_exception
        return first_failed_index, self.launch.log_names[first_failed_index]

    def build_shared_variables(self) -> dict[str, str]:
        """Return the environment variables that are the same in all processes."""
        return {"AZUREML_NODE_COUNT": str(self.launch.node_count)}


def build_master_variables(address: str, port: int) -> dict[str, str]:
    """Return the environment variables with the address of the first process."""
    return {"MASTER_ADDR": address, "MASTER_PORT": str(port)}
