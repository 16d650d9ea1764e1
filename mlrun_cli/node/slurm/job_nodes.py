"""The nodes of the Slurm job that this process belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.slurm.commands import run_command

_NODE_LIST = "SLURM_JOB_NODELIST"


class JobNode(NamedTuple):
    """A node with the address under which other nodes can reach it."""

    name: str
    address: str


def find_node_list(job_id: str, variables: Mapping[str, str]) -> str | None:
    """Return the nodes of a job as Slurm writes them, as in `n[1-4]`, or None if it is not a job of Slurm.

    A job of another engine may be started within one of Slurm, as on a Ray cluster in a Slurm allocation.

    Args:
        job_id: the id of the job.
        variables: its environment variables.
    """
    task_id = "_".join(variables.get(f"SLURM_ARRAY_{part}_ID", "") for part in ("JOB", "TASK"))
    return variables.get(_NODE_LIST) if job_id in {variables.get("SLURM_JOB_ID"), task_id} else None


def list_job_nodes(node_list: str | None) -> list[JobNode]:
    """Return the nodes of a job in Slurm's order, this one first; empty outside of Slurm.

    Args:
        node_list: the nodes as Slurm writes them; None outside of Slurm.

    Raises:
        MlrunError: Slurm does not answer.
    """
    if not node_list:
        return []
    names = run_command(["scontrol", "show", "hostnames", node_list]).split()
    described = run_command(["scontrol", "--oneliner", "show", "node", node_list])
    addresses = dict(re.findall(r"^NodeName=(\S+) .*?\bNodeAddr=(\S+)", described, re.MULTILINE))
    return [JobNode(name, addresses.get(name, name)) for name in names]
