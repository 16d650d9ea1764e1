"""The launchers, by the kind of launch."""

from __future__ import annotations

from importlib import import_module

from mlrun_cli.processes.launch import Launch, LaunchKind
from mlrun_cli.processes.launchers.base import Launcher

# All of them now: a supervisor imports nothing once it runs.
_LAUNCHERS: dict[LaunchKind, type[Launcher]] = {
    kind: import_module(f"mlrun_cli.processes.launchers.{kind.value}").LAUNCHER for kind in LaunchKind
}


def get_launcher(launch: Launch) -> Launcher:
    """Return the launcher of a launch, that of its kind."""
    return _LAUNCHERS[launch.kind](launch)
