"""Check that the nodes of a cluster share a folder with this machine, by a job on each that reads and writes there."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import MlrunError
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.errors import NodeNotUsable
from mlrun_cli.targets.slurm import jobs
from mlrun_cli.targets.slurm.nodes import Node, list_nodes, list_partitions
from mlrun_cli.targets.slurm.options import SlurmSettings

TIMEOUT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_MOST_NODES = 32
"""The number of nodes that are checked at most, those with the most free processors first."""
_USABLE = frozenset({"allocated", "completing", "idle", "mixed"})
# It runs in whatever Python is found there.
_PROBE = """\
import os, sys
folder, token = sys.argv[1:]
if sys.version_info < (3, 10):
    sys.exit(sys.executable + " is Python " + sys.version.split()[0] + "; 3.10 or later is needed")
path = os.path.join(folder, os.environ["SLURMD_NODENAME"])
try:
    with open(os.path.join(folder, "token")) as file:
        read = file.read()
    with open(path + ".part", "w") as file:
        file.write(read)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".part", path)
except OSError as error:
    sys.exit(str(error))
if read != token:
    sys.exit("the content of " + folder + " is not what was written")
"""


class NodeCheck(NamedTuple):
    """The outcome of a check.

    Attributes:
        usable: the nodes whose jobs have read and written the folder.
        unchecked: the reasons why other nodes were not checked, keyed by name.
    """

    usable: Collection[str]
    unchecked: Mapping[str, str]


def check_nodes(settings: SlurmSettings, folder: Path, python: str, *, timeout: float = TIMEOUT_SECONDS) -> NodeCheck:
    """Run a small job on each node that is up, and wait for them.

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
    token = secrets.token_hex(16)
    place = folder / f"check-{token}"
    place.mkdir(mode=0o700)
    waiting: dict[str, str] = {}
    try:
        (place / "token").write_text(token, encoding="ascii")
        for name in nodes:
            waiting[_submit_probe(settings, place, token, python, name)] = name
        usable = _wait(waiting, place, token, timeout)
        unchecked.update(_describe_waiting(waiting))
    finally:
        for job_id in waiting:
            with suppress(MlrunError):
                jobs.cancel_jobs([job_id])
        shutil.rmtree(place, ignore_errors=True)
    return NodeCheck(usable, unchecked)


def _choose_nodes(settings: SlurmSettings) -> tuple[list[str], dict[str, str]]:
    """Return the names of the nodes to check, and the reasons why others are not checked, keyed by name."""
    default = next((partition.name for partition in list_partitions() if partition.is_default), None)
    found = sorted(list_nodes(settings.partition or default), key=lambda node: -node.free_cpus)
    usable = [node.name for node in found if node.state in _USABLE]
    unchecked = {node.name: _describe_state(node) for node in found if node.state not in _USABLE}
    unchecked.update(dict.fromkeys(usable[_MOST_NODES:], f"at most {_MOST_NODES} are checked"))
    return usable[:_MOST_NODES], unchecked


def _describe_state(node: Node) -> str:
    return f"it is {node.state}"


def _submit_probe(settings: SlurmSettings, place: Path, token: str, python: str, node: str) -> str:
    small = settings._replace(gpus_per_node=None, cpus_per_task=None, memory=None, time="2")
    options = [
        "--job-name=mlrun-check",
        f"--output={place / node}.log",
        "--chdir=/",
        *small.build_resource_options(Demand()),
        f"--nodelist={node}",
        "--no-requeue",
    ]
    return jobs.submit_job(settings.build_script([python, "-E", "-c", _PROBE, str(place), token]), options)


def _wait(waiting: dict[str, str], place: Path, token: str, timeout: float) -> list[str]:
    """Wait for the probes and return the nodes whose files are seen here; what is left in `waiting` has not ended.

    Raises:
        NodeNotUsable: a probe failed, or what it wrote is not seen here.
    """
    usable = []
    deadline = time.monotonic() + timeout
    while waiting:
        is_last = time.monotonic() >= deadline
        found = jobs.find_jobs(waiting)
        for job_id, job in found.items():
            if job.state is not JobState.ENDED:
                continue
            node = waiting[job_id]
            if job.end is not JobEnd.EXITED or job.words != "COMPLETED":
                raise _build_error(node, place, job)
            if _is_seen(place, node, token):
                usable.append(node)
                del waiting[job_id]
            elif is_last:
                raise NodeNotUsable(
                    f"What {node} wrote to '{place.parent}' is not seen here within {timeout:g} seconds.",
                    hint="Name a folder that this machine and all nodes share, as of NFS or Lustre.",
                    target=node,
                )
        if is_last:
            break
        if waiting:
            time.sleep(_LOOK_SECONDS)
    return usable


def _is_seen(place: Path, node: str, token: str) -> bool:
    # Listing it asks a network file system for the names that are there now.
    with suppress(OSError):
        return node in os.listdir(place) and (place / node).read_text(encoding="ascii") == token
    return False


def _build_error(node: str, place: Path, job: Job) -> NodeNotUsable:
    log = place / f"{node}.log"
    said = read_tail(log).strip() if log.exists() else ""
    # The output of a job whose folder is not there is lost.
    why = said or f"the job wrote nothing there ({job.words})"
    return NodeNotUsable(
        f"The node {node} cannot run supervisors in '{place.parent}': {why}",
        hint="Name a folder that this machine and all nodes share with --shared-folder, and their Python 3.10 or later "
        "with --python; --no-check attaches the target nevertheless.",
        target=node,
    )


def _describe_waiting(waiting: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons why probes have not ended, keyed by node."""
    found = jobs.find_jobs(waiting)
    return {
        node: f"its job waits: {found[job_id].reason}" if job_id in found else "its job is gone"
        for job_id, node in waiting.items()
    }
