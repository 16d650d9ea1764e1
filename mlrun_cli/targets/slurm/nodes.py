"""Partitions and nodes of a Slurm cluster, with their states and free resources."""

from __future__ import annotations

import re

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.slurm.commands import SEPARATOR, run_command, split_fields

_NODE_FIELDS = ("PartitionName", "NodeList", "StateLong", "CPUsState", "Memory", "AllocMem", "Gres", "GresUsed")
_PARTITION_FIELDS = ("%P", "%a", "%l", "%F")


class Partition(NamedTuple):
    """A partition of the cluster.

    Attributes:
        is_default: whether it is used by jobs that name none.
        state: `up`, `down`, `drain` or `inact`.
        time_limit: the maximum in Slurm's format, or `infinite`.
        node_count: the number of its nodes.
        idle_node_count: the number of those that run nothing and can be used.
    """

    name: str
    is_default: bool
    state: str
    time_limit: str
    node_count: int
    idle_node_count: int


class SlurmNode(NamedTuple):
    """A node of the cluster.

    Attributes:
        partitions: the names of its partitions.
        state: the state in Slurm's long form, as in `idle`, `mixed`, `allocated` or `down*` if it does not respond.
        memory_mb: configured memory in megabytes.
    """

    name: str
    partitions: tuple[str, ...]
    state: str
    cpus: int
    free_cpus: int
    memory_mb: int
    free_memory_mb: int
    gpus: int
    free_gpus: int


def list_partitions() -> list[Partition]:
    """Return the partitions that are visible to this user, sorted by name.

    Raises:
        EngineUnavailable: Slurm does not answer.
    """
    output = run_command(["sinfo", "--noheader", f"--format={SEPARATOR.join(_PARTITION_FIELDS)}"])
    partitions: dict[str, Partition] = {}
    for name, state, time_limit, counts in split_fields(output):
        _, idle, _, total = (int(number) for number in counts.split("/"))
        plain = name.removesuffix("*")
        before = partitions.get(plain)
        if before is not None:  # one line for each set of nodes that differ
            idle, total = idle + before.idle_node_count, total + before.node_count
        partitions[plain] = Partition(plain, name.endswith("*"), state, time_limit, total, idle)
    return sorted(partitions.values())


def list_nodes(partition: str | None = None) -> list[SlurmNode]:
    """Return the nodes of the cluster, or of one partition, sorted by name.

    Raises:
        EngineRefused: there is no such partition.
        EngineUnavailable: Slurm does not answer.
    """
    fields = ",".join(f"{field}:{SEPARATOR}" for field in _NODE_FIELDS)
    which = [] if partition is None else [f"--partition={partition}"]
    output = run_command(["sinfo", "--noheader", "--Node", *which, f"--Format={fields}"])
    nodes: dict[str, SlurmNode] = {}
    for name_of_partition, name, state, cpus, memory, used_memory, gres, used_gres, *_ in split_fields(output):
        before = nodes.get(name)
        partitions = tuple(sorted({name_of_partition, *(() if before is None else before.partitions)}))
        _, idle, _, total = (int(number) for number in cpus.split("/"))
        gpus = _count_gpus(gres)
        nodes[name] = SlurmNode(
            name,
            partitions,
            state,
            total,
            idle,
            int(memory),
            max(0, int(memory) - int(used_memory)),
            gpus,
            max(0, gpus - _count_gpus(used_gres)),
        )
    return sorted(nodes.values())


def _count_gpus(gres: str) -> int:
    """Return the number of GPUs in a list of Slurm's generic resources such as `gpu:a100:4(S:0-1),lustre:1`."""
    plain = re.sub(r"\([^)]*\)", "", gres)
    numbers = (re.fullmatch(r"gpu(?::[^:]+)*?(?::(\d+))?", each) for each in plain.split(","))
    return sum(int(number[1] or 1) for number in numbers if number is not None)
