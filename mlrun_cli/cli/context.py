"""The workspace and experiment of a command, from its options, the attached folder or az's defaults."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from mlrun_cli import __version__
from mlrun_cli.actions.workspaces import get_home, open_workspace
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import (
    DEFAULT_RESOURCE_GROUP,
    DEFAULT_SUBSCRIPTION_ID,
    check_experiment_name,
    check_resource_group,
    check_subscription_id,
    check_workspace_name,
)
from mlrun_cli.errors import ExperimentRequired, UsageError, WorkspaceRequired
from mlrun_cli.folders.project_config import ProjectConfig, find_project_config
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


class Context(NamedTuple):
    """The open workspace of a command, and the nearest attached folder with its experiment, if there is one."""

    workspace: Workspace
    attached_experiment: str | None
    attached_folder: Path | None

    def get_experiment_name(self, option_value: str | None, *, alternative: str = "") -> str:
        """Return the experiment name given as an option, or else the experiment of the attached folder.

        Args:
            option_value: the value of the option, if given.
            alternative: another option of the command that makes a name unnecessary, for the error's hint.

        Raises:
            UsageError: neither exists, or the name is not valid.
        """
        name = option_value if option_value is not None else self.attached_experiment
        if name is None:
            other = f" add {alternative}," if alternative else ""
            raise ExperimentRequired(
                "No experiment is named.",
                hint=f"Name one with -e NAME,{other} or attach this folder ('mlrun folder attach -e NAME').",
            )
        return check_experiment_name(name)


def open_context(
    global_options: GlobalOptions, *, creates: bool = False, is_dry_run: bool = False, only_reads: bool = False
) -> Context:
    """Open a command's workspace and return it with the attached folder's experiment.

    Args:
        global_options: the options of every command.
        creates: for a command that adds something: whether it creates the workspace of the attached folder, or the
            default one, if it does not exist. A workspace that options name is never created.
        is_dry_run: whether an empty temporary workspace serves instead of one that would be created.
        only_reads: for a command that changes nothing: whether another host may use the workspace at the same time.

    Raises:
        UsageError: no workspace is specified and the folder is not attached, or a name is not valid.
        WorkspaceNotFound: the workspace does not exist, and may not be created.
    """
    config = find_project_config(global_options.path)
    identity = resolve_workspace_identity(global_options, config)
    is_typed = any(
        name is not None
        for name in (global_options.workspace_name, global_options.resource_group, global_options.subscription_id)
    )
    global_options.notes.debug(
        f"Python {sys.version.split()[0]} ({sys.executable}), mlrun-cli {__version__}, MLRUN_HOME {get_home()}"
    )
    creates = creates and not is_typed
    if creates and is_dry_run and not (locator := locate_workspace(get_home(), identity)).database.exists():
        from mlrun_cli.actions.blank_workspace import BlankWorkspace  # noqa: PLC0415 - start-up

        workspace: Workspace = BlankWorkspace(locator)
    else:
        workspace = open_workspace(identity, create=creates, starts_read_only=True, only_reads=only_reads)
    warn_of_unrecorded_runs(workspace, global_options)
    global_options.notes.detail(
        f"Workspace '{identity.name}', resource group '{identity.resource_group}', "
        f"subscription '{identity.subscription_id}': {workspace.folder}"
    )
    if config is None:
        return Context(workspace, None, None)
    return Context(workspace, config.experiment_name, config.folder)


def warn_of_unrecorded_runs(workspace: Workspace, global_options: GlobalOptions) -> None:
    """Warn if the store is new and therefore does not contain the runs of existing run folders."""
    if workspace.unrecorded_runs:
        what = "1 run is" if workspace.unrecorded_runs == 1 else f"{workspace.unrecorded_runs} runs are"
        global_options.notes.warning(
            f"The store of workspace '{workspace.identity.name}' was gone, and a new one was made; the folders of"
            f" {what} there. Bring them back: {format_command_line(workspace, 'workspace', 'repair')}"
        )


def resolve_workspace_identity(
    global_options: GlobalOptions, config: ProjectConfig | None, *, fallback_name: str | None = None
) -> WorkspaceIdentity:
    """Return the names of a command's workspace, each from an option, the attached folder or a default.

    Args:
        global_options: the global options.
        config: the config of the attached folder, if there is one.
        fallback_name: the workspace name to use if none is specified.

    Raises:
        UsageError: no workspace is specified and the folder is not attached, or a name is not valid.
    """
    attached = config.workspace_name if config else None
    name = _get_first_given(
        global_options.workspace_name, attached, global_options.default_workspace_name, fallback_name
    )
    if name is None:
        raise WorkspaceRequired(
            f"No workspace is named, and the folder '{global_options.path.absolute()}' is not attached to one.",
            hint="Attach it ('mlrun folder attach'), or name one with -w NAME (and -g GROUP).",
        )
    group = _get_first_given(
        global_options.resource_group, config.resource_group if config else None, global_options.default_resource_group
    )
    subscription_id = _get_first_given(global_options.subscription_id, config.subscription_id if config else None)
    return WorkspaceIdentity(
        check_subscription_id(DEFAULT_SUBSCRIPTION_ID if subscription_id is None else subscription_id),
        check_resource_group(DEFAULT_RESOURCE_GROUP if group is None else group),
        check_workspace_name(name),
    )


def format_command_line(workspace: Workspace, *words: str) -> str:
    """Return a quoted shell command, with the options that select the workspace in the current folder."""
    import shlex  # noqa: PLC0415 - start-up

    return shlex.join(["mlrun", *words, *_format_workspace_options(workspace.identity)])


def _format_workspace_options(identity: WorkspaceIdentity) -> list[str]:
    """Return the options that select this workspace in the current folder; empty if none are needed."""
    config = None
    with suppress(UsageError):
        config = find_project_config(Path())
    named = GlobalOptions(workspace_name=identity.name, resource_group=identity.resource_group)
    options = ["-w", identity.name, "-g", identity.resource_group]
    for shared, needed in ((GlobalOptions(), []), (named, options)):
        with suppress(UsageError):  # no workspace is named
            if resolve_workspace_identity(shared, config) == identity:
                return needed
    return [*options, "--subscription-id", identity.subscription_id]


def _get_first_given(*names: str | None) -> str | None:
    """Return the first name that is not None, even if it is an empty string, or None if there is no such name."""
    return next((name for name in names if name is not None), None)
