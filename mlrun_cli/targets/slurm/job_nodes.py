"""The nodes of the Slurm job that this process belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.base import Launcher
from mlrun_cli.targets.job_nodes import JobNode, JobNodes
from mlrun_cli.targets.slurm.commands import run_command
from mlrun_cli.targets.slurm.srun_launcher import SrunLauncher


class SlurmJobNodes(JobNodes):
    """The nodes of a Slurm job, on which srun starts the processes of a run."""

    name_variable = "SLURMD_NODENAME"

    @classmethod
    def find(cls, job_id: str, variables: Mapping[str, str]) -> SlurmJobNodes | None:
        """Return the nodes of a job or of a task of a job array, or None if it is not a job of Slurm."""
        task_id = "_".join(variables.get(f"SLURM_ARRAY_{part}_ID", "") for part in ("JOB", "TASK"))
        node_list = variables.get("SLURM_JOB_NODELIST")
        return cls(node_list) if node_list and job_id in {variables.get("SLURM_JOB_ID"), task_id} else None

    def list_nodes(self) -> list[JobNode]:
        """Return the nodes in Slurm's order, this one first.

        Raises:
            MlrunError: Slurm does not answer.
        """
        names = run_command(["scontrol", "show", "hostnames", self.node_list]).split()
        described = run_command(["scontrol", "--oneliner", "show", "node", self.node_list])
        addresses = dict(re.findall(r"^NodeName=(\S+) .*?\bNodeAddr=(\S+)", described, re.MULTILINE))
        return [JobNode(name, addresses.get(name, name)) for name in names]

    def create_launcher(self, inner: Launcher, node_names: Sequence[str], tasks_file: Path) -> Launcher:
        """Return a launcher that calls srun to start the processes of another launcher."""
        return SrunLauncher(inner, node_names, tasks_file)

    def build_mpi_variables(self, launch: Launch) -> Mapping[str, str]:
        """Return the variable that tells MPI's launcher the number of processes on each node."""
        return {"SLURM_TASKS_PER_NODE": f"{launch.process_count // launch.node_count}(x{launch.node_count})"}
