"""The registry of the launchers, which finds the module for each kind of launch in this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.base import Launcher

_OTHER_MODULES = {"__init__", "base", "registry"}


def get_launcher(
    launch: Launch, addresses: Sequence[str] = (), mpi_variables: Mapping[str, str] = MappingProxyType({})
) -> Launcher:
    """Return a launcher of the launch's kind for nodes with these addresses, by default all on this machine.

    Args:
        launch: the launch.
        addresses: the addresses of the nodes of an engine's job.
        mpi_variables: environment variables by which that engine tells MPI's launcher about the nodes.
    """
    return _load_launcher_class(launch.kind)(launch, addresses, mpi_variables)


@cache
def load_launcher_classes() -> tuple[type[Launcher], ...]:
    """Load and return the launcher classes of all kinds."""
    kinds = {path.stem for path in Path(__file__).parent.glob("*.py")} - _OTHER_MODULES
    return tuple(map(_load_launcher_class, sorted(kinds)))


def is_launch_variable(variable: str) -> bool:
    """Return whether a launcher sets this variable for a run's processes; runs that they submit must not inherit it."""
    return any(
        variable in launcher.variables or variable.startswith(launcher.variable_prefixes)
        for launcher in load_launcher_classes()
    )


def _load_launcher_class(kind: str) -> type[Launcher]:
    return cast("type[Launcher]", import_module(f"mlrun_cli.processes.launchers.{kind}").LAUNCHER)
