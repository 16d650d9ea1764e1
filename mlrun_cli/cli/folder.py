"""`folder`: attach a folder to a workspace."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.shared import Shared
from mlrun_cli.domain.names import (
    DEFAULT_RESOURCE_GROUP,
    DEFAULT_SUBSCRIPTION_ID,
    DEFAULT_WORKSPACE,
    check_experiment_name,
    check_resource_group,
    check_subscription_id,
    check_workspace_name,
)
from mlrun_cli.workspace import WorkspaceIdentity

app = Group("folder", help="Attach a folder to a workspace.")

_ExperimentName = Annotated[
    str | None,
    typer.Option("--experiment-name", "-e", metavar="NAME", help="Experiment of its runs. Default: the folder's name."),
]


@command(
    app,
    "attach",
    examples=[
        ("Attach this folder, with a default for everything", "mlrun folder attach"),
        (
            "Attach it to a workspace of your own",
            "mlrun folder attach -w myworkspace -g myresourcegroup -e mnist",
        ),
    ],
)
def attach(shared: Shared, experiment_name: _ExperimentName = None) -> object:
    """Attach a folder to a workspace, so that commands in it need no -w, -g and -e.

    Makes the workspace if there is none of that name. Writes .azureml/config.json, sample runconfigs,
    conda_dependencies.yml and .amlignore; files that are there already, config.json apart, are left alone.
    """
    from mlrun_cli.actions.folders import attach_folder  # noqa: PLC0415
    from mlrun_cli.actions.workspaces import open_workspace  # noqa: PLC0415

    subscription_id, group, name = shared.subscription_id, shared.resource_group, shared.workspace_name
    identity = WorkspaceIdentity(
        check_subscription_id(DEFAULT_SUBSCRIPTION_ID if subscription_id is None else subscription_id),
        check_resource_group((shared.default_resource_group or DEFAULT_RESOURCE_GROUP) if group is None else group),
        check_workspace_name((shared.default_workspace_name or DEFAULT_WORKSPACE) if name is None else name),
    )
    if experiment_name is not None:
        check_experiment_name(experiment_name)
    open_workspace(identity, create=True).close()
    return attach_folder(
        shared.path,
        subscription_id=identity.subscription_id,
        resource_group=identity.resource_group,
        workspace_name=identity.name,
        experiment_name=experiment_name,
    )
