"""`service`: continue queues after a reboot of this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.actions import boot_service as actions
from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.installed_program import find_own_program

app = Group("service")


@command(
    app,
    "install",
    examples=[
        ("See what would be written, and where", "mlrun service install --dry-run"),
        ("The text alone", "mlrun service install --dry-run --query text -o tsv"),
    ],
)
def install(
    shared: GlobalOptions,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written; write nothing.")] = False,
) -> object:
    """Have queues go on after a reboot of this machine, when nobody looks.

    Writes a unit of your own systemd instance or, where there is none, an @reboot line into your crontab. It is for
    all workspaces of MLRUN_HOME.
    """
    return actions.install_boot_service(get_home(), find_own_program(), dry_run=is_dry_run, say=shared.notes.say)


@command(
    app,
    "status",
    examples=[
        ("Whether queues go on after a reboot", "mlrun service status"),
        ("The same for a script", "mlrun service status --query installed"),
    ],
)
def status(shared: GlobalOptions) -> object:  # noqa: ARG001 - every command has them
    """Show whether queues go on after a reboot, and by what."""
    return actions.get_boot_service_status(get_home(), find_own_program())


@command(
    app,
    "remove",
    examples=[
        ("Leave queues alone after a reboot", "mlrun service remove"),
        ("Without a word", "mlrun service remove -o none"),
    ],
)
def remove(shared: GlobalOptions) -> object:
    """Remove what 'install' has written: after a reboot, a queue moves when somebody looks at a run."""
    removed = actions.remove_boot_service(get_home(), find_own_program())
    if not removed["removed"] and shared.is_for_people:
        shared.notes.say("Nothing was installed.")
    return removed


@command(
    app,
    "start",
    examples=[
        ("Start what waits, in all workspaces", "mlrun service start"),
        ("How much waits where", "mlrun service start --query '[].[workspace, waiting]'"),
    ],
)
def start(shared: GlobalOptions) -> object:
    """Start the queued runs of all workspaces, as after a reboot; print the number still waiting for each target."""
    return actions.start_queues(get_home(), shared.notes.warning)
