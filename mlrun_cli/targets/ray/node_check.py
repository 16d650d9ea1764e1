"""A check that the nodes of a cluster share a folder with this machine, by a job on each that reads and writes it."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.errors import MlrunError
from mlrun_cli.targets.engine import Job
from mlrun_cli.targets.ray import jobs
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.nodes import list_nodes
from mlrun_cli.targets.ray.settings import RaySettings, build_entrypoint
from mlrun_cli.targets.setup_script import build_setup_script
from mlrun_cli.targets.shared_folder_probe import (
    MAX_NODES,
    TIMEOUT_SECONDS,
    NodeCheck,
    SharedFolderProbe,
    describe_waiting_nodes,
    open_probe,
)

_SHARE_OF_NODE = 0.001
"""The amount of a node's own resource, of which it has 1, that has a job start there."""


def check_nodes(settings: RaySettings, folder: Path, python: str, *, timeout: float = TIMEOUT_SECONDS) -> NodeCheck:
    """Run a small job on each node that is up, return which nodes have passed, and delete the jobs from Ray.

    Args:
        settings: the settings of the target.
        folder: an existing folder that nodes are to share; what is written there is removed again.
        python: the interpreter of the supervisors on nodes.
        timeout: how long to wait for the jobs; those that have not started by then are stopped.

    Raises:
        EngineRefused: Ray refuses the jobs.
        EngineUnavailable: Ray does not answer.
        NodeNotUsable: a node does not see the folder, or has no suitable Python.
        OSError: the folder cannot be written.
    """
    client = RayClient(settings.address, settings.variables)
    names = [node.name for node in list_nodes(client)]
    unchecked = dict.fromkeys(names[MAX_NODES:], f"at most {MAX_NODES} are checked")
    submitted: dict[str, str] = {}
    with open_probe(folder) as probe:
        try:
            for name in names[:MAX_NODES]:
                submitted[_submit_probe(client, settings, probe, python, name)] = name
            waiting = dict(submitted)
            usable = probe.wait_for_nodes(
                waiting, lambda ids: _find_jobs(client, ids), timeout, success_text=jobs.SUCCEEDED
            )
            unchecked.update(describe_waiting_nodes(waiting, _find_jobs(client, waiting)))
        finally:
            for job_id in submitted:
                with suppress(MlrunError):
                    jobs.stop_job(client, job_id)
                    jobs.delete_job(client, job_id)
    return NodeCheck(usable, unchecked)


def _find_jobs(client: RayClient, job_ids: Collection[str]) -> Mapping[str, Job]:
    return {job_id: jobs.parse_job(details) for job_id, details in jobs.find_jobs(client, job_ids).items()}


def _submit_probe(client: RayClient, settings: RaySettings, probe: SharedFolderProbe, python: str, node: str) -> str:
    script = build_setup_script(
        settings.setup,
        probe.build_command(python, node),
        first_line=f"exec >>{shlex.quote(str(probe.get_log_path(node)))} 2>&1 || exit 1",
    )
    job = {
        "submission_id": f"mlrun-check-{secrets.token_hex(8)}",
        **build_entrypoint(script, {f"node:{node}": _SHARE_OF_NODE}),
    }
    return jobs.submit_job(client, job)
