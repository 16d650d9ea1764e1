"""Make, list, show, change and delete the compute targets of a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.domain.compute_target import (
    AML_COMPUTE,
    KINDS,
    LOCAL_TARGET,
    ComputeTarget,
    check_compute_target_name,
)
from mlrun_cli.domain.moment import now
from mlrun_cli.errors import ComputeTargetNotFound, Unsupported, UsageError
from mlrun_cli.workspace import Workspace


def create_compute_target(
    workspace: Workspace,
    name: str,
    kind: str,
    *,
    properties: Mapping[str, Any],
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> ComputeTarget:
    """Make a target; an AmlCompute of the same name is changed to what is asked for, as in Azure.

    Raises:
        Unsupported: of this kind there are none here.
        UsageError: the name is not valid, or that of a target which cannot be changed to this one.
    """
    check_compute_target_name(name)
    if kind not in KINDS:
        raise Unsupported(
            f"There are no compute targets of the kind '{kind}' here: '{name}' was not made.",
            hint=f"Make an AmlCompute named '{name}': what is sent to it runs on this machine.",
        )
    moment = now()
    target = ComputeTarget(name, kind, moment, moment, description, tags, properties)
    with workspace.transaction():
        if workspace.compute_targets.insert(target):
            return target
        there = get_compute_target(workspace, name)
        if (there.kind, kind) != (AML_COMPUTE, AML_COMPUTE):
            raise UsageError(
                f"There is a compute target '{name}' already, of the kind {there.kind}.",
                hint=f"Use that one, choose another name, or delete it: 'mlrun computetarget delete -n {name}', in a "
                "script its delete().",
            )
        changed = target._replace(created_at=there.created_at)
        workspace.compute_targets.replace(changed)
        return changed


def list_compute_targets(workspace: Workspace) -> Sequence[ComputeTarget]:
    """All targets of the workspace, by name; `local`, which every workspace has, is not among them."""
    return workspace.compute_targets.list()


def get_compute_target(workspace: Workspace, name: str) -> ComputeTarget:
    """The target of this name.

    Raises:
        ComputeTargetNotFound: there is none; the message lists those there are.
    """
    found = workspace.compute_targets.find(name)
    if found is None:
        raise ComputeTargetNotFound(name, _names(workspace))
    return found


def change_compute_target(workspace: Workspace, name: str, properties: Mapping[str, Any]) -> ComputeTarget:
    """Give some properties of a target new values; the others stay.

    Raises:
        ComputeTargetNotFound: there is none of this name.
    """
    with workspace.transaction():
        there = get_compute_target(workspace, name)
        changed = there._replace(modified_at=now(), properties={**there.properties, **properties})
        workspace.compute_targets.replace(changed)
    return changed


def delete_compute_target(workspace: Workspace, name: str) -> None:
    """Delete a target; runs that were sent to it stay as they are.

    Raises:
        ComputeTargetNotFound: there is none of this name.
    """
    if not workspace.compute_targets.delete(name):
        raise ComputeTargetNotFound(name, _names(workspace))


def check_target(workspace: Workspace, name: str) -> None:
    """See that runs can be sent to a target: `local`, or one of the workspace's.

    Raises:
        ComputeTargetNotFound: there is none of this name; the message lists those there are.
    """
    if name != LOCAL_TARGET:
        get_compute_target(workspace, name)


def _names(workspace: Workspace) -> list[str]:
    return [LOCAL_TARGET, *(target.name for target in workspace.compute_targets.list())]
