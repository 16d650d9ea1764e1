"""The interface of the nodes of an engine's job, by which a run on several of them is started.

A kind of compute target whose jobs can have several nodes has a subclass in its folder, which its line in
`mlrun_cli/targets/kinds.py` names. The supervisor on the first node uses it, so that it is imported on nodes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.base import Launcher
from mlrun_cli.targets.kinds import TARGET_KINDS, import_class


class JobNode(NamedTuple):
    """A node with the address under which other nodes can reach it."""

    name: str
    address: str


class JobNodes(ABC):
    """The nodes of the job of an engine that has started this process.

    Attributes:
        name_variable: the environment variable with which the engine tells a process the name of its node.
        node_list: the nodes as the engine writes them, as in `n[1-4]`.
    """

    name_variable: ClassVar[str]

    def __init__(self, node_list: str) -> None:
        self.node_list = node_list

    @classmethod
    @abstractmethod
    def find(cls, job_id: str, variables: Mapping[str, str]) -> JobNodes | None:
        """Return the nodes of a job, or None if it is not a job of this engine.

        A job of another engine may be started within one of this engine, as on a Ray cluster in a Slurm allocation.

        Args:
            job_id: the id of the job; empty if it is unknown.
            variables: its environment variables.
        """

    @abstractmethod
    def list_nodes(self) -> list[JobNode]:
        """Return the nodes, this one first.

        Raises:
            MlrunError: the engine does not answer.
        """

    @abstractmethod
    def create_launcher(self, inner: Launcher, node_names: Sequence[str], tasks_file: Path) -> Launcher:
        """Return a launcher that starts the processes of another launcher on the nodes.

        Args:
            inner: the launcher that knows the processes, and their nodes by number.
            node_names: the names of the nodes, by number.
            tasks_file: a file, seen by all nodes, which may be written to describe the processes.
        """

    def build_mpi_variables(self, launch: Launch) -> Mapping[str, str]:  # noqa: ARG002
        """Return environment variables for MPI's launcher, which finds the nodes by itself; by default, none."""
        return MappingProxyType({})


def find_job_nodes(job_id: str, variables: Mapping[str, str]) -> JobNodes | None:
    """Return the nodes of the job that has started this process, or None if its engine starts no run on several.

    Args:
        job_id: the id of the job; empty if it is unknown.
        variables: its environment variables.
    """
    for kind in TARGET_KINDS.values():
        if kind.job_nodes_class:
            nodes: JobNodes | None = import_class(kind.job_nodes_class).find(job_id, variables)
            if nodes is not None:
                return nodes
    return None
