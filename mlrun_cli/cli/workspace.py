"""`workspace`: create, list, show, prune, repair and back up the workspaces of this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from mlrun_cli.actions.trash import DAYS_KEPT, measure_trash
from mlrun_cli.actions.workspaces import (
    build_workspace_record,
    describe_workspace,
    get_home,
    list_workspaces,
    open_workspace,
    update_workspace,
)
from mlrun_cli.cli.azure.ignored_options import IgnoredOptions
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.confirmation import Yes, confirm
from mlrun_cli.cli.context import open_context, resolve_workspace_identity, warn_of_unrecorded_runs
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_seconds, parse_tags
from mlrun_cli.cli.output.record_table import Field, build_listing, build_record_result, format_record_tags
from mlrun_cli.core.names import DEFAULT_SUBSCRIPTION_ID
from mlrun_cli.core.sizes import format_size
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import MissingOption
from mlrun_cli.folders.project_config import find_project_config, make_absolute
from mlrun_cli.processes.host_lease import describe_home, open_home

app = Group("workspace")

_FIELDS = (
    Field("Name", "name"),
    Field("Group", "resourceGroup"),
    Field("Folder", "folder", 24, keeps_end=True),
    Field("Subscription", lambda record: _omit_default_subscription(record["subscriptionId"])),
)
_DETAILED_FIELDS = (
    *_FIELDS,
    Field("File system", "fileSystem"),
    Field("Trash", lambda record: _format_trash(record.get("trash"))),
    Field("Tags", format_record_tags),
    Field("Description", "description"),
)


class _IgnoredOptions(IgnoredOptions):
    options = (
        "--adb-workspace",
        "--application-insights",
        "--cmk-keyvault",
        "--container-registry",
        "--keyvault",
        "--location/-l",
        "--pe-name",
        "--pe-resource-group",
        "--pe-subnet-name",
        "--pe-subscription-id",
        "--pe-vnet-name",
        "--primary-user-assigned-identity",
        "--resource-cmk-uri",
        "--sku",
        "--storage-account",
        "--user-assigned-identity-for-cmk-encryption",
        "--v1-legacy-mode/-v",
    )
    flags = ("--hbi-workspace", "--pe-auto-approval", "--system_datastores_auth_mode")


_NOTHING_IGNORED = _IgnoredOptions()


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List all workspaces on this machine", "mlrun workspace list -o table"),
        ("List those of one resource group", "mlrun workspace list -g myresourcegroup"),
    ],
)
def list_all(global_options: GlobalOptions) -> object:
    """List the workspaces on this machine, with their folders."""
    if not get_home().exists():
        global_options.notes.info(
            f"The folder of all workspaces, {get_home()}, does not exist. If yours are elsewhere, set MLRUN_HOME."
        )
    return build_listing(
        global_options, list_workspaces(global_options.resource_group), _FIELDS, empty_message="No workspaces."
    )


@command(
    app,
    "show",
    examples=[
        ("Show the attached folder's workspace", "mlrun workspace show"),
        ("Print the folder of another one", "mlrun workspace show -w myworkspace -g mygroup --query folder -o tsv"),
    ],
)
def show(
    global_options: GlobalOptions,
    is_taking_over: Annotated[
        bool,
        Option(
            "--take-over",
            help="Take a home on a network file system from another host. Only when nothing runs there any more: what"
            " still runs there loses its store.",
        ),
    ] = False,
) -> object:
    """Show a workspace, its folder, and the file system that it is on."""
    if is_taking_over:
        open_home(get_home(), take_over=True)
    with open_context(global_options, only_reads=True).workspace as workspace:
        trash = measure_trash(workspace)
        record = {
            **build_workspace_record(workspace.identity, workspace.home),
            **describe_home(workspace.home),
            "trash": {"bytes": trash.size, "runs": trash.runs},
        }
    return build_record_result(record, _DETAILED_FIELDS)


@command(
    app,
    "create",
    examples=[
        ("Create a workspace", "mlrun workspace create -w myworkspace -g myresourcegroup"),
        ("Set its description", "mlrun workspace create -w myworkspace --description 'Digits and letters'"),
    ],
)
def create(
    global_options: GlobalOptions,
    name: Annotated[
        str | None,
        Option(
            "--workspace-name",
            "--name",
            "-w",
            "-n",
            metavar="NAME",
            help="Name of the workspace. Default: the attached folder's.",
        ),
    ] = None,
    friendly_name: Annotated[
        str | None, Option("--friendly-name", "-f", metavar="TEXT", help="Name to display.")
    ] = None,
    description: Annotated[
        str | None, Option("--description", metavar="TEXT", help="Description of the workspace.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        Option("--tags", "-t", metavar="KEY=VALUE", help="Tags, which replace all existing ones."),
    ] = None,
    ignored: _IgnoredOptions = _NOTHING_IGNORED,
    is_sure: Annotated[bool, Option("--exist-ok", "--yes", "-y", hidden=True)] = False,  # noqa: ARG001
) -> object:
    """Create a workspace, or update the given details of an existing one.

    'folder attach' creates a workspace too. Azure's options for locations, keys and other resources are ignored.
    """
    ignored.print_note(global_options.notes)
    identity = resolve_workspace_identity(
        global_options._replace(workspace_name=name), find_project_config(global_options.path)
    )
    tagged = None if tags is None else {key: value or "" for key, value in parse_tags(tags, option="--tags").items()}
    with open_workspace(identity, create=True) as workspace:
        warn_of_unrecorded_runs(workspace, global_options)
        update_workspace(workspace, friendly_name=friendly_name, description=description, tags=tagged)
        record = describe_workspace(workspace)
    return build_record_result(record, _DETAILED_FIELDS)


@command(
    app,
    "repair",
    examples=[
        ("Restore runs that the store has lost", "mlrun workspace repair"),
        ("Print how many were restored", "mlrun workspace repair --query runs -o tsv"),
    ],
)
def repair(global_options: GlobalOptions) -> object:
    """Check the store of a workspace, and rebuild it if it is damaged or missing.

    Runs with their metrics, tags and outcomes are restored from their folders, named objects of the workspace from
    the notes next to them, and everything else from the readable parts of the damaged store, which is kept under
    another name. Runs that have not ended continue, and nothing is duplicated.

    In the result, "store" is what was found: sound, damaged or missing. The numbers count only what it lacked: "runs"
    and "values" (of metrics) that came from run folders, "named" objects from the notes, and "salvagedRuns" and
    "salvagedMetrics" from the damaged store. A store that has everything is given nothing: "runs" is 0.
    """
    from mlrun_cli.actions.repair import repair_workspace  # noqa: PLC0415

    return repair_workspace(
        resolve_workspace_identity(global_options, find_project_config(global_options.path)),
        get_home(),
        report=global_options.notes.info,
    )


@command(
    app,
    "backup",
    examples=[
        ("Copy the store, even while runs are active", "mlrun workspace backup backup.db"),
        ("Replace yesterday's copy", "mlrun workspace backup backup.db --overwrite"),
    ],
)
def backup(
    global_options: GlobalOptions,
    file: Annotated[Path, Argument(metavar="FILE", help="File to write.")],
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> object:
    """Copy the store of a workspace to a file: its records of runs, models, data and everything else.

    The folders of runs, models and datastores are not copied.
    """
    from mlrun_cli.actions.repair import back_up_workspace  # noqa: PLC0415

    with open_context(global_options, only_reads=True).workspace as workspace:
        return back_up_workspace(workspace, make_absolute(file.expanduser()), overwrite=overwrite)


@command(
    app,
    "restore",
    examples=[
        ("Restore a backup", "mlrun workspace restore backup.db --yes"),
        ("Restore it and print the number of runs restored", "mlrun workspace restore backup.db --yes --query runs"),
    ],
)
def restore(
    global_options: GlobalOptions,
    file: Annotated[Path, Argument(metavar="FILE", help="Backup created by 'workspace backup'.")],
    yes: Yes = False,
) -> object:
    """Replace the store with a backup; runs created since then are restored from their folders.

    The previous store is kept next to it, under another name. Runs that have not ended continue.
    """
    from mlrun_cli.actions.repair import restore_workspace  # noqa: PLC0415

    identity = resolve_workspace_identity(global_options, find_project_config(global_options.path))
    if not yes:
        question = f"Replace the store of workspace '{identity.name}' with '{file}'?"
        confirm(global_options, question, declined_message="Nothing was changed.")
    return restore_workspace(identity, get_home(), make_absolute(file.expanduser()))


@command(
    app,
    "prune",
    examples=[
        ("Show what is older than a month, and its size", "mlrun workspace prune --older-than 30d --dry-run"),
        ("Remove it without confirmation", "mlrun workspace prune --older-than 30d --yes"),
    ],
)
def prune(
    global_options: GlobalOptions,
    older_than: Annotated[
        str | None,
        Option(
            "--older-than",
            metavar="TIME",
            help="Minimum time since runs ended, such as 30d. Required, or --trash-older-than: all runs stay then.",
        ),
    ] = None,
    trash_older_than: Annotated[
        str | None,
        Option(
            "--trash-older-than",
            metavar="TIME",
            help="Minimum time since runs were deleted to remove them from the trash; 0s empties it."
            f" Default: {DAYS_KEPT}d.",
        ),
    ] = None,
    is_dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would be removed and its size; remove nothing.")
    ] = False,
    yes: Yes = False,
) -> object:
    """Permanently remove old runs, items deleted long ago, and files stored only for them.

    Runs are removed with their child runs, files and metrics, except for runs marked with 'run update --keep' and
    runs that a registered model comes from. Snapshots are removed if they belong to no run and are over a day old,
    environments if no remaining run used them and none has used them for the given time.
    """
    from mlrun_cli.actions.prune import compute_cutoff_time, prune_workspace  # noqa: PLC0415

    if older_than is None and trash_older_than is None:
        raise MissingOption(
            "--older-than is missing.",
            hint="Name a time as in --older-than 30d, or only empty the trash with --trash-older-than 0s.",
            target="--older-than",
        )
    seconds = None if older_than is None else parse_seconds(older_than, "--older-than", needs_unit=True)
    trash_seconds = parse_seconds(
        f"{DAYS_KEPT}d" if trash_older_than is None else trash_older_than, "--trash-older-than", needs_unit=True
    )
    with open_context(global_options, only_reads=is_dry_run).workspace as workspace:
        if not is_dry_run and not yes:
            would_be = prune_workspace(
                workspace, seconds, trash_seconds=trash_seconds, dry_run=True, report=global_options.notes.info
            )
            before = None if seconds is None else compute_cutoff_time(seconds)
            question = _build_prune_question(workspace.identity.name, would_be, before)
            confirm(global_options, question, declined_message="Nothing was removed.")
        return prune_workspace(
            workspace, seconds, trash_seconds=trash_seconds, dry_run=is_dry_run, report=global_options.notes.info
        )


def _build_prune_question(workspace_name: str, report: dict[str, Any], ended_before: int | None) -> str:
    """Return the text that asks to confirm the removal of runs that ended before a timestamp, or of the trash alone."""
    runs = len(report["trash"] if ended_before is None else report["runs"])
    what = f"{runs} {'run' if runs == 1 else 'runs'} of workspace '{workspace_name}'"
    size = format_size(report["bytes"])
    if ended_before is None:
        return f"Remove for good {what} from the trash, and what is kept for them alone, {size} in all?"
    when = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(ended_before / MICROSECONDS))
    trash = f", {len(report['trash'])} from the trash" if report["trash"] else ""
    return f"Remove for good {what} that ended before {when}{trash}, and what is kept for them alone, {size} in all?"


def _format_trash(trash: Mapping[str, int] | None) -> str:
    """Return the number and size of deleted runs, or an empty string if there are none."""
    if not trash or not trash["runs"]:
        return ""
    return f"{trash['runs']} run{'' if trash['runs'] == 1 else 's'}, {format_size(trash['bytes'])}"


def _omit_default_subscription(subscription_id: str) -> str:
    """Return the subscription id, or an empty string if it is the default one."""
    return "" if subscription_id == DEFAULT_SUBSCRIPTION_ID else subscription_id
