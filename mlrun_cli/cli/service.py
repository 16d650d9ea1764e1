"""`service`: continue queues after a reboot of this machine."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions import boot_service as actions
from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.installed_program import find_own_program

app = Group("service")


@command(
    app,
    "install",
    examples=[
        ("Show what would be written, and where", "mlrun service install --dry-run"),
        ("Print only the text", "mlrun service install --dry-run --query text -o tsv"),
    ],
)
def install(
    global_options: GlobalOptions,
    is_dry_run: Annotated[bool, Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
) -> object:
    """Start queued runs automatically after a reboot of this machine.

    Installs a systemd user unit or, without systemd, an @reboot line in your crontab. It applies to all workspaces
    of MLRUN_HOME.
    """
    return actions.install_boot_service(
        get_home(), find_own_program(), dry_run=is_dry_run, report=global_options.notes.info
    )


@command(
    app,
    "status",
    examples=[
        ("Show whether queued runs are started after a reboot", "mlrun service status"),
        ("Print only true or false, for a script", "mlrun service status --query installed"),
    ],
)
def show_status(global_options: GlobalOptions) -> object:  # noqa: ARG001 - every command has them
    """Show whether queued runs are started after a reboot, and by which mechanism."""
    return actions.get_boot_service_status(get_home(), find_own_program())


@command(
    app,
    "remove",
    examples=[
        ("Do not start queued runs after a reboot", "mlrun service remove"),
        ("Remove it without printing anything", "mlrun service remove -o none"),
    ],
)
def remove(global_options: GlobalOptions) -> object:
    """Remove the boot service; after a reboot, queued runs wait until the next command that accesses a run."""
    removed = actions.remove_boot_service(get_home(), find_own_program())
    if not removed["removed"] and global_options.is_human_readable:
        global_options.notes.info("Nothing was installed.")
    return removed


@command(
    app,
    "start",
    examples=[
        ("Start the queued runs of all workspaces", "mlrun service start"),
        ("Print the numbers of waiting runs", "mlrun service start --query '[].[workspace, waiting]'"),
    ],
)
def start(global_options: GlobalOptions) -> object:
    """Start the queued runs of all workspaces, as after a reboot; print the number still waiting for each target."""
    return actions.start_queues(get_home(), global_options.notes.warning)
