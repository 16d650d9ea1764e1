"""Handlers of requests about workspaces: list them, find a folder's workspace, and describe them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions import workspaces as actions
from mlrun_cli.core.names import check_resource_group, check_subscription_id, check_text, check_workspace_name
from mlrun_cli.errors import WorkspaceNotFound
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.workspace_locator import WorkspaceIdentity

_HOW_TO_MAKE = (
    "Workspace.list() or 'mlrun workspace list' shows those there are. Workspace.create(…) makes one, and so do "
    "Workspace.from_config() and 'mlrun folder attach' when they name one that is not there yet."
)


@handler("workspaces.check", only_reads=True)
def check_workspace(context: RequestContext) -> None:
    """Raise an error if the names of the selected workspace are invalid or the workspace does not exist."""
    _check_identity(context.identity)
    try:
        context.open_workspace(create=False)
    except WorkspaceNotFound as error:
        error.hint = _HOW_TO_MAKE
        raise


@handler("workspaces.find_config", only_reads=True)
def open_configured_workspace(context: RequestContext, path: str, file_name: str | None = None) -> list[str] | None:
    """Open or create the workspace in a folder's config file; return its identity, or None if there is no such file."""
    identity = actions.find_configured_workspace(Path(path), context.home, file_name)
    if identity is None:
        return None
    with context.select_workspace(identity, only_reads=True):
        context.open_workspace(create=True)
    return list(identity)


@handler("workspaces.find", only_reads=True)
def list_workspaces(
    context: RequestContext,
    name: str | None = None,
    resource_group: str | None = None,
    subscription_id: str | None = None,
) -> list[list[str]]:
    """Return the subscription id, resource group and name of each matching workspace."""
    found = actions.list_matching_workspaces(
        context.home, name=name, resource_group=resource_group, subscription_id=subscription_id
    )
    return [list(identity) for identity in found]


@handler("workspaces.create")
def create_workspace(
    context: RequestContext,
    exist_ok: bool = False,
    friendly_name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> bool:
    """Create the selected workspace or, if `exist_ok`, update an existing one; return False if it did neither."""
    _check_identity(context.identity)
    if not exist_ok and context.identity in actions.list_matching_workspaces(context.home):
        return False
    context.open_workspace(create=True)
    update_workspace(context, friendly_name=friendly_name, tags=tags)
    return True


@handler("workspaces.describe", only_reads=True)
def describe_workspace(context: RequestContext) -> dict[str, Any]:
    """Return the record of the selected workspace, with its description, friendly name and tags."""
    return actions.describe_workspace(context.workspace)


@handler("workspaces.update")
def update_workspace(
    context: RequestContext,
    description: str | None = None,
    friendly_name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Change the description, friendly name or tags of the selected workspace; return its record."""
    for what, text in {"The description": description, "The friendly name": friendly_name}.items():
        if text is not None:
            check_text(what, text)
    for key, value in (tags or {}).items():
        check_text(f"The tag '{key}'", value)
        check_text("the tag", key)
    actions.update_workspace(context.workspace, description=description, friendly_name=friendly_name, tags=tags)
    return describe_workspace(context)


def _check_identity(identity: WorkspaceIdentity) -> None:
    """Raise an error if a name in a workspace's identity is invalid; the names become names of folders."""
    check_subscription_id(identity.subscription_id)
    check_resource_group(identity.resource_group)
    check_workspace_name(identity.name)
