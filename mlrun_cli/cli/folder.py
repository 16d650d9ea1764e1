"""`folder`: attach a folder to a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import resolve_workspace_identity, warn_of_unrecorded_runs
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import Field, build_record_result
from mlrun_cli.core.names import DEFAULT_WORKSPACE, check_experiment_name
from mlrun_cli.errors import InvalidFile
from mlrun_cli.folders.project_config import (
    ProjectConfig,
    check_config_is_replaceable,
    find_own_project_config,
    get_config_path_to_write,
    make_absolute,
)
from mlrun_cli.folders.samples import AMLIGNORE_NAME, GITIGNORE_NAME

app = Group("folder")

_FIELDS = (
    Field("Folder", "Project path", 24, keeps_end=True),
    Field("Workspace", "Workspace name"),
    Field("Group", "Resource group"),
    Field("Experiment", "Experiment name"),
)

_ExperimentName = Annotated[
    str | None,
    Option("--experiment-name", "-e", metavar="NAME", help="Experiment for its runs. Default: the folder's name."),
]


@command(
    app,
    "attach",
    examples=[
        ("Attach this folder, with a default for everything", "mlrun folder attach"),
        (
            "Attach it to a specific workspace",
            "mlrun folder attach -w myworkspace -g myresourcegroup -e mnist",
        ),
    ],
)
def attach(global_options: GlobalOptions, experiment_name: _ExperimentName = None) -> object:
    """Attach a folder to a workspace, so that commands in it need no -w, -g and -e.

    The workspace is created if it does not exist. The command writes .azureml/config.json, sample runconfigs,
    conda_dependencies.yml and .amlignore, which takes over the lines of .gitignore; existing files other than
    this config.json are not changed. If the folder is already attached, or has a config.json from Azure, names that
    you do not specify and other keys in config.json are preserved; a config.json that cannot be read is not changed.
    """
    from mlrun_cli.actions.folders import attach_folder  # noqa: PLC0415
    from mlrun_cli.actions.workspaces import open_workspace  # noqa: PLC0415

    folder = make_absolute(global_options.path)
    is_new = not folder.exists()
    has_amlignore = (folder / AMLIGNORE_NAME).exists()
    config = _read_folder_config(global_options)
    identity = resolve_workspace_identity(global_options, config, fallback_name=DEFAULT_WORKSPACE)
    if experiment_name is None and config is not None:
        experiment_name = config.experiment_name
    if experiment_name is not None:
        check_experiment_name(experiment_name)
    with open_workspace(identity, create=True) as workspace:
        warn_of_unrecorded_runs(workspace, global_options)
    record = attach_folder(
        global_options.path,
        subscription_id=identity.subscription_id,
        resource_group=identity.resource_group,
        workspace_name=identity.name,
        experiment_name=experiment_name,
    )
    if is_new:  # Azure makes it too, but its name may be a mistake
        global_options.notes.warning(f"There was no folder '{folder}': it was created, and is empty.")
    elif not has_amlignore and (folder / GITIGNORE_NAME).exists() and (folder / AMLIGNORE_NAME).exists():
        global_options.notes.info(
            f"What {GITIGNORE_NAME} names is not in the folders of runs. {AMLIGNORE_NAME} has its lines, and counts in"
            " its place: remove the line of data that a script reads."
        )
    return build_record_result(record, _FIELDS)


def _read_folder_config(global_options: GlobalOptions) -> ProjectConfig | None:
    """Return the folder's own config, or None if it does not exist or does not identify a workspace.

    Raises:
        InvalidFile: the file cannot be read, so that replacing it could lose something.
    """
    folder = make_absolute(global_options.path)
    try:
        config = find_own_project_config(folder)
    except InvalidFile as error:
        if error.file is not None and Path(error.file).parent == folder:
            raise  # a file of the user's, which an attach does not replace
        check_config_is_replaceable(get_config_path_to_write(folder))
        global_options.notes.warning(
            f"{error.message}; the file is replaced, and names that are not given get defaults."
        )
        return None
    if config is not None and config.path.parent == folder:
        global_options.notes.info(
            f"{config.path.name} in this folder names workspace '{config.workspace_name}', resource group "
            f"'{config.resource_group}'; what is not given by -w, -g or --subscription-id is taken from it."
        )
    return config
