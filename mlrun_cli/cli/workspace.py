"""`workspace`: list and show the workspaces of this machine."""

from __future__ import annotations

from mlrun_cli.actions.workspaces import list_workspaces, workspace_record
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.shared import Shared

app = Group("workspace", help="List and show workspaces.")


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List all workspaces of this machine", "mlrun workspace list -o table"),
        ("Those of one resource group", "mlrun workspace list -g myresourcegroup"),
    ],
)
def list_all(shared: Shared) -> object:
    """List the workspaces of this machine, with the folder each one is kept in."""
    return list_workspaces(shared.resource_group)


@command(
    app,
    "show",
    examples=[
        ("Show the attached folder's workspace", "mlrun workspace show"),
        ("Where another one is kept", "mlrun workspace show -w myworkspace -g mygroup --query folder -o tsv"),
    ],
)
def show(shared: Shared) -> object:
    """Show a workspace, and the folder it is kept in."""
    with open_context(shared).workspace as workspace:
        return workspace_record(workspace.identity, workspace.home)
