"""Questions about registered environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import environments as actions
from mlrun_cli.errors import UsageError
from mlrun_cli.rpc.context import Place
from mlrun_cli.submit.environment_build import build_environment


def register(place: Place, name: Any, definition: Any) -> dict[str, Any]:
    """The environment as it is kept."""
    if not isinstance(name, str):
        raise UsageError("The environment has no name.", hint="Give it one, as in Environment('training').")
    return actions.register_environment(place.workspace, name, _checked(definition)).to_json()


def get(place: Place, name: str, version: Any = None, label: str | None = None) -> dict[str, Any]:
    """One version of an environment, the newest unless version or label say otherwise."""
    text = None if version is None else str(version)
    return actions.get_environment(place.workspace, str(name), text, label).to_json()


def list_newest(place: Place) -> Sequence[dict[str, Any]]:
    """The newest version of each, by name."""
    return [one.to_json() for one in actions.list_environments(place.workspace)]


def label(place: Place, name: str, version: str, labels: Sequence[str]) -> None:
    """Give labels to a version."""
    actions.label_environment(place.workspace, name, version, [str(one) for one in labels])


def build(place: Place, definition: Any) -> str:
    """Make an environment ready; what was said meanwhile."""
    return build_environment(place.workspace, _checked(definition))


def add_wheel(place: Place, path: str, *, may_exist: bool = False) -> str:
    """Keep a copy of a wheel; its address."""
    return actions.add_wheel(place.workspace, Path(path), may_exist=may_exist)


def _checked(definition: Any) -> Mapping[str, Any]:
    if not isinstance(definition, Mapping):
        raise UsageError("The definition of an environment is a mapping.")
    return definition


CALLS = {
    "register": register,
    "get": get,
    "list": list_newest,
    "label": label,
    "build": build,
    "add_wheel": add_wheel,
}
