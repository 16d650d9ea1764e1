"""Attach a Slurm cluster as a compute target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mlrun_cli.actions.cluster_targets import create_cluster_target
from mlrun_cli.actions.compute_targets import check_name_is_free
from mlrun_cli.compute.compute_target import SLURM, ComputeTarget
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import BUILD_HERE, BUILD_PROPERTY
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.targets.shared_folder_setup import create_shared_folder
from mlrun_cli.targets.slurm.jobs import check_options
from mlrun_cli.targets.slurm.node_check import check_nodes
from mlrun_cli.targets.slurm.options import SlurmSettings
from mlrun_cli.workspace import Workspace


def attach_slurm(
    workspace: Workspace,
    name: str,
    settings: SlurmSettings,
    *,
    shared_folder: str,
    python: str | None = None,
    builds_here: bool = False,
    checks_nodes: bool = True,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> tuple[ComputeTarget, NodeCheck | None]:
    """Attach a Slurm cluster as a compute target; return it with the result of the check of its nodes.

    Args:
        workspace: the workspace.
        name: the name of the target.
        settings: the options that jobs have.
        shared_folder: the path of the folder that all nodes share with this machine; it is created.
        python: the interpreter of the supervisors on nodes, `python3` by default.
        builds_here: whether environments are built at submit, on this machine, and not by the first node.
        checks_nodes: whether Slurm is asked about the options, and jobs test the folder on its nodes.
        description: the description.
        tags: the tags.

    Raises:
        AlreadyExists: there is a compute target with this name.
        UsageError: the name or the shared folder is not valid.
        EngineRefused: Slurm refuses jobs with these options.
        EngineUnavailable: Slurm does not answer.
        NodeNotUsable: a node does not see the folder, or has no suitable Python.
        FileNotWritable: the shared folder cannot be created.
    """
    check_name_is_free(workspace, name)
    shared = create_shared_folder(shared_folder)
    if checks_nodes:
        check_options(settings.build_script(["true"]), settings.build_resource_options(Demand()))
    return create_cluster_target(
        workspace,
        name,
        SLURM,
        shared,
        check_nodes=partial(check_nodes, settings) if checks_nodes else None,
        python=python,
        properties={**({BUILD_PROPERTY: BUILD_HERE} if builds_here else {}), **settings.to_properties()},
        description=description,
        tags=tags,
    )
