"""Answers about workspaces: which there are, which a folder belongs to, and what was said of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions.workspaces import (
    describe_workspace,
    find_configured_workspace,
    find_workspaces,
    update_workspace,
)
from mlrun_cli.core.names import check_resource_group, check_subscription_id, check_text, check_workspace_name
from mlrun_cli.errors import UsageError, WorkspaceNotFound
from mlrun_cli.rpc.context import Place
from mlrun_cli.workspace import WorkspaceIdentity

_HOW_TO_MAKE = (
    "Workspace.list() or 'mlrun workspace list' shows those there are. Workspace.create(…) makes one, and so do "
    "Workspace.from_config() and 'mlrun folder attach' when they name one that is not there yet."
)


def check(place: Place) -> None:
    """See that the workspace is there."""
    _check(place.identity)
    try:
        place.open_workspace(create=False)
    except WorkspaceNotFound as error:
        error.hint = _HOW_TO_MAKE
        raise


def find_config(place: Place, path: str, file_name: str | None = None) -> list[str] | None:
    """The three names that a folder's config, or a config file, says; the workspace is made when there is none."""
    _text("The path", path)
    _text("The name of the file", file_name)
    identity = find_configured_workspace(Path(path), place.home, file_name)
    if identity is None:
        return None
    place.turn_to(identity)
    place.open_workspace(create=True)
    return list(identity)


def find(
    place: Place,
    name: str | None = None,
    resource_group: str | None = None,
    subscription_id: str | None = None,
) -> list[list[str]]:
    """The names of all workspaces that have those that are given."""
    found = find_workspaces(place.home, name=name, resource_group=resource_group, subscription_id=subscription_id)
    return [list(identity) for identity in found]


def create(
    place: Place,
    exist_ok: bool = False,
    friendly_name: str | None = None,
    tags: dict[str, str] | None = None,
) -> bool:
    """Make a workspace; False when there is one of its names, and that was not to be."""
    _check(place.identity)
    if not exist_ok and place.identity in find_workspaces(place.home):
        return False
    place.open_workspace(create=True)
    update(place, friendly_name=friendly_name, tags=tags)
    return True


def describe(place: Place) -> dict[str, Any]:
    """Where the workspace lies, its description and its tags."""
    return describe_workspace(place.workspace)


def update(
    place: Place,
    description: str | None = None,
    friendly_name: str | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Say something of the workspace; how it is described then."""
    _text("The description", description)
    _text("The friendly name", friendly_name)
    if tags is not None:
        if not isinstance(tags, Mapping):
            raise UsageError("The tags of a workspace are a dict of texts.", hint="Write tags={'key': 'value'}.")
        for key, value in tags.items():
            _text(f"The tag '{key}'", value)
            check_text("the tag", key)
    update_workspace(place.workspace, description=description, friendly_name=friendly_name, tags=tags)
    return describe(place)


def _check(identity: WorkspaceIdentity) -> None:
    """See that the names, which become folders, can be those of a workspace."""
    for what, text in zip(("subscription id", "resource group", "name of the workspace"), identity, strict=True):
        if not isinstance(text, str):
            raise UsageError(f"The {what} is a text, not {text!r}.", hint="See Workspace.list() for those there are.")
    check_subscription_id(identity.subscription_id)
    check_resource_group(identity.resource_group)
    check_workspace_name(identity.name)


def _text(what: str, value: object) -> None:
    """See that an argument is a text, or was not given."""
    if value is None:
        return
    if not isinstance(value, str):
        raise UsageError(f"{what} is a text, not {value!r}.", hint="Give it as text.")
    check_text(what, value)


CALLS = {
    "check": check,
    "create": create,
    "describe": describe,
    "find": find,
    "find_config": find_config,
    "update": update,
}
