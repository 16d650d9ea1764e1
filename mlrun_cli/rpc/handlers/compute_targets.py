"""Handlers of requests about compute targets, whose records have Azure's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mlrun_cli.actions.compute_targets import (
    build_target_record,
    create_compute_target,
    delete_compute_target,
    get_compute_target,
    list_compute_targets,
    update_compute_target,
)
from mlrun_cli.errors import ComputeTargetNotFound
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler

T = TypeVar("T")


@handler("computes.create")
def create_target(
    context: RequestContext,
    name: str,
    kind: str,
    properties: Mapping[str, Any],
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a compute target, or update an existing AmlCompute target with this name; return its record."""
    target = create_compute_target(
        context.workspace, name, kind, properties=properties, description=description or "", tags=tags
    )
    return build_target_record(context.workspace, target)


@handler("computes.attach_remote")
def attach_remote_target(
    context: RequestContext,
    name: str,
    address: str,
    username: str,
    ssh_port: int | None = None,
    private_key_file: str | None = None,
) -> dict[str, Any]:
    """Attach a machine as a compute target that is accessed by SSH; return its record."""
    from mlrun_cli.actions.attached_targets import attach_target  # noqa: PLC0415 - start-up: few scripts attach any
    from mlrun_cli.targets.remote.attachment import RemoteAttachment  # noqa: PLC0415
    from mlrun_cli.targets.remote.settings import RemoteSettings  # noqa: PLC0415

    attachment = RemoteAttachment(RemoteSettings(address, username, ssh_port, private_key_file))
    target, _ = attach_target(context.workspace, name, attachment)
    return build_target_record(context.workspace, target)


@handler("computes.list", only_reads=True)
def list_targets(context: RequestContext) -> list[dict[str, Any]]:
    """Return the records of the workspace's compute targets; `local` is included only if it has a node limit."""
    return [build_target_record(context.workspace, target) for target in list_compute_targets(context.workspace)]


@handler("computes.get", only_reads=True)
def get_target(context: RequestContext, name: str) -> dict[str, Any]:
    """Return the record of a compute target."""
    return build_target_record(
        context.workspace, _call_with_sdk_hint(lambda: get_compute_target(context.workspace, name))
    )


@handler("computes.change")
def update_target(context: RequestContext, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Change properties of a compute target; return its record."""
    target = _call_with_sdk_hint(lambda: update_compute_target(context.workspace, name, properties))
    return build_target_record(context.workspace, target)


@handler("computes.delete")
def delete_target(context: RequestContext, name: str) -> None:
    """Delete the compute target with this name."""
    _call_with_sdk_hint(lambda: delete_compute_target(context.workspace, name))


def _call_with_sdk_hint(function: Callable[[], T]) -> T:
    """Call a function and return its result; an error for a missing target gets a hint for users of the SDK."""
    try:
        return function()
    except ComputeTargetNotFound as error:
        error.hint = "ComputeTarget.create(workspace, name, configuration) makes one, which runs on this machine."
        raise
