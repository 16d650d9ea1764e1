"""A probe of the folder that a target's nodes share with this machine: a job on each node reads and writes in it."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.errors import NodeNotUsable
from mlrun_cli.targets.setup_script import SETUP_FAILED

TIMEOUT_SECONDS = 60.0
MAX_NODES = 32
"""The number of nodes that are checked at most."""
_LOOK_SECONDS = 0.25
# It runs in whatever Python is found there.
_PROGRAM = """\
import os, sys
folder, token, name = sys.argv[1:]
if sys.version_info < (3, 10):
    sys.exit(sys.executable + " is Python " + sys.version.split()[0] + "; 3.10 or later is needed")
path = os.path.join(folder, name)
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
    """The result of a check.

    Attributes:
        usable: the nodes whose jobs have read and written the folder.
        unchecked: the reasons why other nodes were not checked, keyed by name.
    """

    usable: Collection[str]
    unchecked: Mapping[str, str]


class SharedFolderProbe:
    """A folder with a token that jobs on the nodes copy.

    Attributes:
        folder: the folder.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self.place = folder
        self._token = token

    def build_command(self, python: str, node: str) -> list[str]:
        """Return the command line of the probe job for a node."""
        return [python, "-E", "-c", _PROGRAM, str(self.place), self._token, node]

    def get_log_path(self, node: str) -> Path:
        """Return the path for the output of a node's job."""
        return self.place / f"{node}.log"

    def wait_for_nodes(
        self,
        nodes_by_job_id: dict[str, str],
        find_jobs: Callable[[Collection[str]], Mapping[str, Job]],
        timeout: float,
        *,
        success_text: str,
    ) -> list[str]:
        """Wait for the jobs of nodes, and return the nodes whose files are visible here.

        Args:
            nodes_by_job_id: the node of each job, keyed by job id; those of finished jobs are removed.
            find_jobs: takes job ids and returns the jobs that the engine knows of these, keyed by id.
            timeout: the maximum time to wait in seconds.
            success_text: the engine's text for a job that has succeeded, `Job.words`.

        Raises:
            NodeNotUsable: a job failed, or what it wrote is not seen here.
        """
        usable = []
        deadline = time.monotonic() + timeout
        while nodes_by_job_id:
            is_last = time.monotonic() >= deadline
            for job_id, job in find_jobs(nodes_by_job_id).items():
                if job.state is not JobState.ENDED:
                    continue
                node = nodes_by_job_id[job_id]
                if job.end is not JobEnd.EXITED or job.words != success_text:
                    raise self._build_error(node, job)
                if self._is_visible(node):
                    usable.append(node)
                    del nodes_by_job_id[job_id]
                elif is_last:
                    raise NodeNotUsable(
                        f"What {node} wrote to '{self.place.parent}' is not seen here within {timeout:g} seconds.",
                        hint="Name a folder that this machine and all nodes share, as of NFS or Lustre.",
                        target=node,
                    )
            if is_last:
                break
            if nodes_by_job_id:
                time.sleep(_LOOK_SECONDS)
        return usable

    def _is_visible(self, node: str) -> bool:
        # Listing it asks a network file system for the names that are there now.
        with suppress(OSError):
            return node in os.listdir(self.place) and (self.place / node).read_text(encoding="ascii") == self._token
        return False

    def _build_error(self, node: str, job: Job) -> NodeNotUsable:
        log = self.get_log_path(node)
        said = read_tail(log).strip() if log.exists() else ""
        # The output of a job whose folder is not there is lost.
        why = said or f"the job wrote nothing there ({job.words})"
        advice = (
            "Correct --setup"
            if SETUP_FAILED in why
            else "Name a folder that this machine and all nodes share with --shared-folder, and their Python 3.10 or "
            "later with --python"
        )
        return NodeNotUsable(
            f"The node {node} cannot run supervisors in '{self.place.parent}': {why}",
            hint=f"{advice}; --no-check attaches the target nevertheless.",
            target=node,
        )


@contextmanager
def open_probe(folder: Path) -> Iterator[SharedFolderProbe]:
    """Create a probe in an existing folder, and remove its files at the end of the block.

    Raises:
        OSError: the folder cannot be written.
    """
    token = secrets.token_hex(16)
    place = folder / f"check-{token}"
    place.mkdir(mode=0o700)
    try:
        (place / "token").write_text(token, encoding="ascii")
        yield SharedFolderProbe(place, token)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def describe_waiting_nodes(nodes_by_job_id: Mapping[str, str], jobs: Mapping[str, Job]) -> dict[str, str]:
    """Return the reasons why the jobs of nodes have not ended, keyed by node."""
    return {
        node: f"its job waits: {jobs[job_id].reason}" if job_id in jobs else "its job is gone"
        for job_id, node in nodes_by_job_id.items()
    }
