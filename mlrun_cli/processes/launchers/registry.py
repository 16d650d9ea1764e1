"""The launchers, by the kind of launch: each kind has a module of its name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from mlrun_cli.processes.launch import Launch, LaunchKind
from mlrun_cli.processes.launchers.base import Launcher


def get_launcher(launch: Launch) -> Launcher:
    """Return the launcher of a launch, that of its kind."""
    return find_launcher_class(launch.kind)(launch)


def find_launcher_class(kind: LaunchKind) -> type[Launcher]:
    """Return the launcher class of a kind, which is loaded when it is first asked for."""
    return cast("type[Launcher]", import_module(f"mlrun_cli.processes.launchers.{kind.value}").LAUNCHER)
