"""`datastore`: attach folders of this machine as datastores, and copy files to and from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mlrun_cli.actions import datastores as actions
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_boolean
from mlrun_cli.cli.output.progress import show_copy_progress
from mlrun_cli.cli.output.record_table import Field, build_listing, build_record_result
from mlrun_cli.data.datastore import Datastore, build_datastore_record
from mlrun_cli.folders.project_config import make_absolute
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.workspace import Workspace

app = Group("datastore")

_FIELDS = (
    Field("Datastore", "name"),
    Field("Default", lambda record: "yes" if record["is_default"] else "", 3),
    Field("Folder", "folder", 24, keeps_end=True),
)

_Name = Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the datastore.")]
_Overwrite = Annotated[
    str, Option("--overwrite", metavar="true|false", help="Whether to replace what exists. Default: false.")
]
_NoSecrets = Annotated[str | None, Option("--include-secret", hidden=True)]
_NoProgress = Annotated[str, Option("--hide-progress", hidden=True)]


@command(
    app,
    "attach-local",
    examples=[
        ("Attach a folder on this machine", "mlrun datastore attach-local images ."),
        ("Use the name for another folder", "mlrun datastore attach-local images .. --overwrite true"),
    ],
)
def attach_local(
    global_options: GlobalOptions,
    name: Annotated[str, Argument(metavar="NAME", help="Name of the datastore.")],
    folder: Annotated[Path, Argument(metavar="PATH", help="The folder, which is not copied.")],
    overwrite: _Overwrite = "false",
) -> object:
    """Attach a folder on this machine as a datastore, for the data references and datasets of runs."""
    is_replacing = parse_boolean(overwrite, "--overwrite")
    with open_context(global_options, creates=True).workspace as workspace:
        where = make_absolute(folder.expanduser())
        return _build_result(workspace, actions.register_datastore(workspace, name, where, overwrite=is_replacing))


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the datastores of the workspace", "mlrun datastore list -o table"),
        ("List only their names", "mlrun datastore list --query '[].name' -o tsv"),
    ],
)
def list_datastores(global_options: GlobalOptions, include_secret: _NoSecrets = None) -> object:  # noqa: ARG001 — there are none
    """List the workspace's datastores, sorted by name, with their folders."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [_build_record(workspace, datastore) for datastore in actions.list_datastores(workspace)]
    return build_listing(global_options, records, _FIELDS, empty_message="No datastores.")


@command(
    app,
    "show",
    examples=[
        ("Show a datastore", "mlrun datastore show -n workspaceblobstore"),
        ("Print its folder", "mlrun datastore show -n images --query folder -o tsv"),
    ],
)
def show(global_options: GlobalOptions, name: _Name, include_secret: _NoSecrets = None) -> object:  # noqa: ARG001
    """Show a datastore."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        return _build_result(workspace, actions.get_datastore(workspace, name))


@command(
    app,
    "show-default",
    examples=[
        ("Show the default datastore", "mlrun datastore show-default"),
        ("Print only its name", "mlrun datastore show-default --query name -o tsv"),
    ],
)
def show_default(global_options: GlobalOptions, include_secret: _NoSecrets = None) -> object:  # noqa: ARG001
    """Show the default datastore, which is used if none is specified."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        return _build_result(workspace, actions.get_datastore(workspace))


@command(
    app,
    "set-default",
    examples=[
        ("Make another datastore the default", "mlrun datastore set-default -n workspacefilestore"),
        ("Restore the original default", "mlrun datastore set-default -n workspaceblobstore"),
    ],
)
def set_default(global_options: GlobalOptions, name: _Name) -> object:
    """Set the default datastore, which is used if none is specified."""
    with open_context(global_options, creates=True).workspace as workspace:
        actions.set_default_datastore(workspace, name)
        return _build_result(workspace, actions.get_datastore(workspace, name))


@command(
    app,
    "upload",
    examples=[
        ("Copy a folder into a datastore", "mlrun datastore upload -n workspaceblobstore -p . -u code"),
        ("Replace existing files", "mlrun datastore upload -n images -p train.py -u code --overwrite true"),
    ],
)
def upload(
    global_options: GlobalOptions,
    name: _Name,
    source: Annotated[Path, Option("--src-path", "-p", metavar="PATH", help="A folder, or a file.")],
    target: Annotated[
        str | None,
        Option("--target-path", "-u", metavar="PATH", help="Path in the datastore. Default: its root."),
    ] = None,
    overwrite: _Overwrite = "false",
    hide_progress: _NoProgress = "false",
) -> object:
    """Copy a file or the contents of a folder, following links, into a datastore; print the number of files copied."""
    is_replacing = parse_boolean(overwrite, "--overwrite")
    is_hidden = parse_boolean(hide_progress, "--hide-progress")
    with (
        open_context(global_options, creates=True).workspace as workspace,
        show_copy_progress(global_options, hidden=is_hidden),
    ):
        datastore = actions.get_datastore(workspace, name)
        copied = actions.upload_files(datastore, source.expanduser(), target, overwrite=is_replacing)
        _print_skipped_files_note(global_options, copied)
        return {
            "datastore": name,
            "path": str(datastore.resolve_path(target)),
            "uploaded": copied.copied,
            **_build_copy_counts(copied),
        }


@command(
    app,
    "download",
    examples=[
        ("Copy a datastore into a folder", "mlrun datastore download -n images -d copy"),
        ("Copy the files whose paths start with a prefix", "mlrun datastore download -n images -p train -d copy"),
    ],
)
def download(
    global_options: GlobalOptions,
    name: _Name,
    folder: Annotated[
        Path,
        Option("--target-path", "-d", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
    prefix: Annotated[
        str | None,
        Option("--prefix", "-p", metavar="PATH", help="Only files whose path in the datastore starts with this."),
    ] = None,
    overwrite: _Overwrite = "false",
    hide_progress: _NoProgress = "false",
) -> object:
    """Copy files of a datastore into a folder, keeping their paths; print the number of files copied."""
    is_replacing = parse_boolean(overwrite, "--overwrite")
    is_hidden = parse_boolean(hide_progress, "--hide-progress")
    with (
        open_context(global_options, only_reads=True).workspace as workspace,
        show_copy_progress(global_options, hidden=is_hidden),
    ):
        datastore = actions.get_datastore(workspace, name)
        where = make_absolute(folder.expanduser())
        copied = actions.download_files(datastore, prefix, where, overwrite=is_replacing, allow_different=False)
        _print_skipped_files_note(global_options, copied)
        return {"datastore": name, "path": str(where), "downloaded": copied.copied, **_build_copy_counts(copied)}


@command(
    app,
    "detach",
    examples=[
        ("Detach a datastore", "mlrun datastore detach -n images"),
        ("Detach it and print its folder", "mlrun datastore detach -n images --query folder -o tsv"),
    ],
)
def detach(global_options: GlobalOptions, name: _Name, yes: Yes = False) -> object:
    """Detach a datastore without changing its folder, and print its record.

    On a terminal, the command asks for confirmation.
    """
    with open_context(global_options).workspace as workspace:
        actions.get_removable_datastore(workspace, name)
        confirm_on_terminal(global_options, f"Detach the datastore '{name}'?", yes=yes)
        return _build_result(workspace, actions.unregister_datastore(workspace, name))


def _build_result(workspace: Workspace, datastore: Datastore) -> Result:
    """Return a datastore as a command's result."""
    record = _build_record(workspace, datastore)
    return build_record_result(record, _FIELDS)


def _build_record(workspace: Workspace, datastore: Datastore) -> dict[str, Any]:
    """Return a datastore's record: Azure's keys in snake_case, plus `folder` and `is_default`."""
    known = build_datastore_record(
        datastore, is_default=datastore.name == actions.get_default_datastore_name(workspace)
    )
    return {
        "account_name": "local",
        "container_name": datastore.folder.name,
        "datastore_type": known["type"],
        "endpoint": None,
        "folder": known["folder"],
        "is_default": known["is_default"],
        "name": known["name"],
        "protocol": "file",
    }


def _build_copy_counts(result: actions.CopyResult) -> dict[str, int]:
    return {"kept": result.kept, "skipped": len(result.left_out)}


def _print_skipped_files_note(global_options: GlobalOptions, result: actions.CopyResult) -> None:
    if result.kept:
        global_options.notes.info(
            f"Files that were there already and stay: {result.kept}; --overwrite true replaces them."
        )
    if result.left_out:
        global_options.notes.info(
            f"Left out: {format_first_names([f'{one.path} ({one.reason})' for one in result.left_out])}."
        )
