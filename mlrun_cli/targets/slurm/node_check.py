"""A check that the nodes of a cluster share a folder with this machine, by a job on each that reads and writes it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mlrun_cli.errors import MlrunError
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.shared_folder_probe import (
    MAX_NODES,
    TIMEOUT_SECONDS,
    NodeCheck,
    SharedFolderProbe,
    describe_waiting_nodes,
    open_probe,
)
from mlrun_cli.targets.slurm import jobs
from mlrun_cli.targets.slurm.nodes import SlurmNode, list_nodes, list_partitions
from mlrun_cli.targets.slurm.options import SlurmSettings

_USABLE = frozenset({"allocated", "completing", "idle", "mixed"})


def check_nodes(settings: SlurmSettings, folder: Path, python: str, *, timeout: float = TIMEOUT_SECONDS) -> NodeCheck:
    """Run a small job on each node that is up, wait for the jobs, and return which nodes have passed.

    Args:
        settings: the settings of the target.
        folder: an existing folder that nodes are to share; what is written there is removed again.
        python: the interpreter of the supervisors on nodes.
        timeout: how long to wait for the jobs; those that have not started by then are cancelled.

    Raises:
        EngineRefused: Slurm refuses the jobs.
        EngineUnavailable: Slurm does not answer.
        NodeNotUsable: a node does not see the folder, or has no suitable Python.
        OSError: the folder cannot be written.
    """
    nodes, unchecked = _choose_nodes(settings)
    waiting: dict[str, str] = {}
    with open_probe(folder) as probe:
        try:
            for name in nodes:
                waiting[_submit_probe(settings, probe, python, name)] = name
            usable = probe.wait_for_nodes(waiting, jobs.find_jobs, timeout, success_text="COMPLETED")
            unchecked.update(describe_waiting_nodes(waiting, jobs.find_jobs(waiting)))
        finally:
            for job_id in waiting:
                with suppress(MlrunError):
                    jobs.cancel_jobs([job_id])
    return NodeCheck(usable, unchecked)


def _choose_nodes(settings: SlurmSettings) -> tuple[list[str], dict[str, str]]:
    """Return the names of the nodes to check, and the reasons for skipping the others, keyed by name.

    Those with the most free processors come first.
    """
    default = next((partition.name for partition in list_partitions() if partition.is_default), None)
    found = sorted(list_nodes(settings.partition or default), key=lambda node: -node.free_cpus)
    usable = [node.name for node in found if node.state in _USABLE]
    unchecked = {node.name: _describe_state(node) for node in found if node.state not in _USABLE}
    unchecked.update(dict.fromkeys(usable[MAX_NODES:], f"at most {MAX_NODES} are checked"))
    return usable[:MAX_NODES], unchecked


def _describe_state(node: SlurmNode) -> str:
    return f"it is {node.state}"


def _submit_probe(settings: SlurmSettings, probe: SharedFolderProbe, python: str, node: str) -> str:
    small = settings._replace(gpus_per_node=None, cpus_per_task=None, memory=None, time="2")
    options = [
        "--job-name=mlrun-check",
        f"--output={probe.get_log_path(node)}",
        "--chdir=/",
        *small.build_resource_options(Demand()),
        f"--nodelist={node}",
        "--no-requeue",
    ]
    return jobs.submit_job(settings.build_script(probe.build_command(python, node)), options)
