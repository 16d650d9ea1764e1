"""Create the compute target of a cluster whose nodes share a folder with this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions.compute_targets import create_compute_target
from mlrun_cli.compute.compute_target import SHARED_FOLDER_PROPERTY, ComputeTarget
from mlrun_cli.errors import FileNotWritable
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.engine import DEFAULT_PYTHON, PYTHON_PROPERTY
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.workspace import Workspace


def create_cluster_target(
    workspace: Workspace,
    name: str,
    kind: str,
    shared_folder: SharedFolder,
    *,
    check_nodes: Callable[[Path, str], NodeCheck] | None,
    python: str | None,
    properties: Mapping[str, Any],
    description: str,
    tags: Mapping[str, str] | None,
) -> tuple[ComputeTarget, NodeCheck | None]:
    """Create a compute target for a cluster; return it with the result of the check of its nodes.

    Args:
        workspace: the workspace.
        name: the name of the target.
        kind: the kind of the target.
        shared_folder: the folder that the nodes share with this machine.
        check_nodes: checks the nodes with the path of the folder and an interpreter; None leaves the check out.
        python: the interpreter of the supervisors on nodes; None is the default one.
        properties: the properties that belong to the kind.
        description: the description.
        tags: the tags.

    Raises:
        EngineRefused: the cluster refuses the jobs of the check.
        EngineUnavailable: the cluster does not answer.
        NodeNotUsable: a node does not see the folder, or has no suitable Python.
        FileNotWritable: the folder cannot be written.
    """
    check = None
    if check_nodes is not None:
        try:
            check = check_nodes(shared_folder.path, python or DEFAULT_PYTHON)
        except OSError as error:
            raise FileNotWritable(shared_folder.path, error) from error
    common = {SHARED_FOLDER_PROPERTY: str(shared_folder.path), **({} if python is None else {PYTHON_PROPERTY: python})}
    target = create_compute_target(
        workspace, name, kind, properties={**common, **properties}, description=description, tags=tags
    )
    return target, check
