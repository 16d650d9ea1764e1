"""Answers about compute targets, each as Azure describes it in JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mlrun_cli.actions.compute_targets import (
    change_compute_target,
    create_compute_target,
    delete_compute_target,
    get_compute_target,
    list_compute_targets,
)
from mlrun_cli.actions.workspaces import workspace_record
from mlrun_cli.compute.compute_target import ComputeTarget, compute_target_record
from mlrun_cli.errors import ComputeTargetNotFound, UsageError
from mlrun_cli.rpc.context import Place

T = TypeVar("T")


def create_target(
    place: Place,
    name: str,
    kind: str,
    properties: dict[str, Any],
    description: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a target, or change the AmlCompute of that name to this."""
    for text in (name, kind, description):
        if not isinstance(text, (str, type(None))):
            raise UsageError(f"The name and the description of a compute target are texts, not {text!r}.")
    for pairs in (properties, tags):
        if not isinstance(pairs, (dict, type(None))):
            raise UsageError(f"The tags of a compute target are a dict of texts, not {pairs!r}.")
    target = create_compute_target(
        place.workspace, name, kind, properties=properties, description=description or "", tags=tags
    )
    return _record(place, target)


def list_targets(place: Place) -> list[dict[str, Any]]:
    """All targets of the workspace but `local`."""
    return [_record(place, target) for target in list_compute_targets(place.workspace)]


def get_target(place: Place, name: str) -> dict[str, Any]:
    """One target."""
    return _record(place, _known(lambda: get_compute_target(place.workspace, name)))


def change_target(place: Place, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Give properties of a target new values."""
    return _record(place, _known(lambda: change_compute_target(place.workspace, name, properties)))


def delete_target(place: Place, name: str) -> None:
    """Delete a target."""
    _known(lambda: delete_compute_target(place.workspace, name))


def _known(look: Callable[[], T]) -> T:
    """What is found, or an error that says to a script, not to a command, how a target is made."""
    try:
        return look()
    except ComputeTargetNotFound as error:
        error.hint = "ComputeTarget.create(workspace, name, configuration) makes one, which runs on this machine."
        raise


def _record(place: Place, target: ComputeTarget) -> dict[str, Any]:
    workspace = place.workspace
    return compute_target_record(target, workspace_record(workspace.identity, workspace.home)["id"])


CALLS = {
    "change": change_target,
    "create": create_target,
    "delete": delete_target,
    "get": get_target,
    "list": list_targets,
}
