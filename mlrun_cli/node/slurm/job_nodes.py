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


def list_job_nodes(job_variables: Mapping[str, str]) -> list[JobNode]:
    """Return the nodes of a job in Slurm's order, this one first; empty outside of Slurm.

    Args:
        job_variables: the environment variables of the job.

    Raises:
        MlrunError: Slurm does not answer.
    """
    listed = job_variables.get(_NODE_LIST)
    if not listed:
        return []
    names = run_command(["scontrol", "show", "hostnames", listed]).split()
    described = run_command(["scontrol", "--oneliner", "show", "node", listed])
    addresses = dict(re.findall(r"^NodeName=(\S+) .*?\bNodeAddr=(\S+)", described, re.MULTILINE))
    return [JobNode(name, addresses.get(name, name)) for name in names]
