"""Handlers of requests about registered environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import environments as actions
from mlrun_cli.errors import UsageError
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.submit.environment_build import build_environment


@handler("environments.register")
def register_environment(context: RequestContext, name: str | None, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Register an environment; return its record."""
    if name is None:
        raise UsageError("The environment has no name.", hint="Give it one, as in Environment('training').")
    return actions.register_environment(context.workspace, name, definition).to_json()


@handler("environments.get", only_reads=True)
def get_environment(
    context: RequestContext, name: str, version: str | int | None = None, label: str | None = None
) -> dict[str, Any]:
    """Return the record of an environment with the given version or label, by default of its newest version."""
    text = None if version is None else str(version)
    return actions.get_environment(context.workspace, name, text, label).to_json()


@handler("environments.list", only_reads=True)
def list_environments(context: RequestContext) -> Sequence[dict[str, Any]]:
    """Return records of the newest versions of registered, then of Azure's environments, each group sorted by name."""
    found = [*actions.list_environments(context.workspace), *actions.list_curated_environments()]
    return [one.to_json() for one in found]


@handler("environments.label")
def label_environment(context: RequestContext, name: str, version: str, labels: Sequence[str]) -> None:
    """Assign labels to a version of an environment, and remove them from its other versions."""
    actions.label_environment(context.workspace, name, version, labels)


@handler("environments.build")
def build_environment_from_definition(context: RequestContext, definition: Mapping[str, Any]) -> str:
    """Build the environment that a definition describes, and return the installer's output."""
    return build_environment(context.workspace, definition)


@handler("environments.add_wheel")
def add_wheel(context: RequestContext, path: str, *, may_exist: bool = False) -> str:
    """Store a copy of a wheel in the workspace; return its URL."""
    return actions.add_wheel(context.workspace, Path(path), may_exist=may_exist)
