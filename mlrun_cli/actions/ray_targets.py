"""Attach a Ray cluster as a compute target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mlrun_cli.actions.cluster_targets import create_cluster_target
from mlrun_cli.actions.compute_targets import check_name_is_free
from mlrun_cli.compute.compute_target import RAY, ComputeTarget
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.node_check import check_nodes
from mlrun_cli.targets.ray.nodes import check_feasibility
from mlrun_cli.targets.ray.settings import RaySettings
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.targets.shared_folder_setup import create_shared_folder
from mlrun_cli.workspace import Workspace


def attach_ray(
    workspace: Workspace,
    name: str,
    settings: RaySettings,
    *,
    shared_folder: str,
    python: str | None = None,
    checks_nodes: bool = True,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> tuple[ComputeTarget, NodeCheck | None]:
    """Attach a Ray cluster as a compute target; return it with the result of the check of its nodes.

    Args:
        workspace: the workspace.
        name: the name of the target.
        settings: the head's address, and what jobs reserve.
        shared_folder: the path of the folder that all nodes share with this machine; it is created.
        python: the interpreter of the supervisors on nodes, `python3` by default.
        checks_nodes: whether a node has what jobs reserve, and jobs test the folder on the nodes.
        description: the description.
        tags: the tags.

    Raises:
        AlreadyExists: there is a compute target with this name.
        UsageError: the name or the shared folder is not valid.
        EngineRefused: no node has what jobs reserve.
        EngineUnavailable: Ray does not answer.
        NodeNotUsable: a node does not see the folder, or has no suitable Python.
        FileNotWritable: the shared folder cannot be created.
    """
    check_name_is_free(workspace, name)
    if checks_nodes:
        check_feasibility(RayClient(settings.address, settings.variables), settings.list_resources(Demand()))
    shared = create_shared_folder(shared_folder)
    return create_cluster_target(
        workspace,
        name,
        RAY,
        shared,
        check_nodes=partial(check_nodes, settings) if checks_nodes else None,
        python=python,
        properties=settings.to_properties(),
        description=description,
        tags=tags,
    )
