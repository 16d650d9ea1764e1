"""`dataset`: register files, folders and URLs as datasets, then list, show and unregister them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from mlrun_cli.actions import datasets as actions
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.actions.workspaces import build_workspace_record
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_tags
from mlrun_cli.cli.output.record_table import (
    TIME_WIDTH,
    Field,
    build_listing,
    build_record_result,
    build_time_formatter,
    format_record_tags,
)
from mlrun_cli.core.time import format_iso
from mlrun_cli.data.dataset import FILE_KIND, TABULAR_KIND, Dataset
from mlrun_cli.data.dataset_file import TEMPLATE, DatasetDescription, read_dataset_file
from mlrun_cli.data.files import DataFile
from mlrun_cli.data.read_options import guess_table_options
from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption, OneOptionRequired
from mlrun_cli.folders.project_config import make_absolute
from mlrun_cli.workspace import Workspace

app = Group("dataset")

_FIELDS = (
    Field("Dataset", "name"),
    Field("Version", "version", 1),
    Field("Type", "datasetType", 4),
    Field("Registered", build_time_formatter("createdTime"), TIME_WIDTH),
    Field("Id", "id", 8),
    Field("Tags", format_record_tags),
    Field("Description", "description"),
)

_DETAILED_FIELDS = (*_FIELDS[:-2], Field("Source", "source", 12, keeps_end=True), *_FIELDS[-2:])
_TYPES = {FILE_KIND: "File", TABULAR_KIND: "Tabular"}

_Name = Annotated[str | None, Option("--name", "-n", metavar="NAME", help="Name of the dataset.")]


@command(
    app,
    "register",
    examples=[
        ("Register a folder on this machine", "mlrun dataset register -n images -p ."),
        ("Register the dataset that a file describes, as 'az ml' does", "mlrun dataset register -f dataset.json"),
    ],
)
def register(
    global_options: GlobalOptions,
    file: Annotated[
        Path | None, Option("--file", "-f", metavar="FILE", help="JSON or YAML file that describes the dataset.")
    ] = None,
    show_template: Annotated[
        bool, Option("--show-template", help="Print a template of this file, and register nothing.")
    ] = False,
    skip_validation: Annotated[bool, Option("--skip-validation", help="Do not check that the files exist.")] = False,
    name: _Name = None,
    paths: Annotated[
        list[str] | None,
        Option("--src-path", "-p", metavar="PATH", help="A file, folder, pattern or URL, instead of --file."),
    ] = None,
    datastore: Annotated[
        str | None, Option("--datastore", metavar="NAME", help="The datastore that --src-path is in.")
    ] = None,
    is_table: Annotated[
        bool,
        Option("--tabular", help="The files are tables; the suffix tells the format: .csv, .tsv, .jsonl, .parquet."),
    ] = False,
    description: Annotated[
        str | None, Option("--description", metavar="TEXT", help="Description of the dataset.")
    ] = None,
    tags: Annotated[list[str] | None, Option("--tag", metavar="KEY=VALUE", help="Add a tag.")] = None,
    create_new_version: Annotated[
        bool, Option("--create-new-version", help="Add a version if the name is registered for other files.")
    ] = False,
    dataset_id: Annotated[
        str | None,
        Option("--id", "-i", metavar="GUID", help="Id of the dataset in Azure, which runconfigs use."),
    ] = None,
) -> object:
    """Register files as a dataset, without copying them.

    If an identical dataset is already registered under the name, no version is added. Paths in
    the file given by --file are relative to its folder. With the --id that a dataset had in Azure, runconfigs that
    use this id find your files.
    """
    if show_template:
        return TEMPLATE
    if (file is None) == (not paths):
        raise OneOptionRequired(
            "Name what to register: a file that describes it, or paths.",
            hint="Use either -f FILE, or -n NAME -p PATH.",
        )
    described = (
        _build_dataset_description(name, paths or [], datastore, is_table=is_table)
        if file is None
        else _read_dataset_file(file, name, datastore, is_table=is_table)
    )
    for note in described.notes:
        global_options.notes.warning(note)
    with open_context(global_options, creates=True).workspace as workspace:
        dataset = actions.register_dataset(
            workspace,
            described.definition,
            described.name,
            description=described.description if description is None else description,
            tags=described.tags if tags is None else parse_tags(tags, option="--tag"),
            create_new_version=described.create_new_version or create_new_version,
            dataset_id=dataset_id,
            find_datastore=None if skip_validation else lambda name: get_datastore(workspace, name),
        )
        return _build_description(workspace, dataset)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the datasets of the workspace", "mlrun dataset list -o table"),
        ("List only their names", "mlrun dataset list --query '[].name' -o tsv"),
    ],
)
def list_datasets(global_options: GlobalOptions) -> object:
    """List the latest version of each of the workspace's datasets, sorted by name."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [_build_record(dataset) for dataset in workspace.datasets.list_latest_versions()]
    return build_listing(global_options, records, _FIELDS, empty_message="No datasets.")


@command(
    app,
    "show",
    examples=[
        ("Show a dataset", "mlrun dataset show -n mydataset"),
        ("Print its id, for a runconfig", "mlrun dataset show -n mydataset --query registration.id -o tsv"),
    ],
)
def show(
    global_options: GlobalOptions,
    name: _Name = None,
    version: Annotated[int | None, Option("--version", "-v", metavar="N", help="Version. Default: the latest.")] = None,
    dataset_id: Annotated[
        str | None, Option("--id", "-i", metavar="ID", help="Id of the dataset, instead of its name.")
    ] = None,
) -> object:
    """Show how a dataset is registered, and its paths."""
    if (name is None) == (dataset_id is None):
        raise OneOptionRequired("Name one dataset, by name or by id.", hint="Use either -n NAME or -i ID.")
    with open_context(global_options, only_reads=True).workspace as workspace:
        if name is not None:
            return _build_description(workspace, actions.get_dataset(workspace, name, version))
        return _build_description(workspace, actions.get_dataset_by_id(workspace, dataset_id or ""))


@command(
    app,
    "unregister",
    examples=[
        ("Unregister a dataset", "mlrun dataset unregister -n mydataset"),
        ("Remove it and print its id", "mlrun dataset unregister -n mydataset --query id -o tsv"),
    ],
)
def unregister(
    global_options: GlobalOptions,
    name: Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the dataset.")],
    yes: Yes = False,
) -> object:
    """Unregister all versions of a dataset without changing its files, and print the latest version.

    Runs that used the dataset can still find it by its id. On a terminal, the command asks for confirmation.
    """
    with open_context(global_options).workspace as workspace:
        latest = actions.get_dataset(workspace, name)
        confirm_on_terminal(global_options, f"Unregister all versions of the dataset '{name}'?", yes=yes)
        actions.unregister_dataset(workspace, name)
        record = _build_record(latest)
    return build_record_result(record, _FIELDS)


def _read_dataset_file(file: Path, name: str | None, datastore: str | None, *, is_table: bool) -> DatasetDescription:
    if datastore is not None or is_table:
        raise ConflictingOptions(
            "--datastore and --tabular are used with --src-path alone.", hint="With --file, write both into the file."
        )
    described = read_dataset_file(file)
    return described if name is None else described._replace(name=name)


def _build_dataset_description(
    name: str | None, paths: Sequence[str], datastore: str | None, *, is_table: bool
) -> DatasetDescription:
    if name is None:
        raise MissingOption("The dataset has no name.", hint="Name it with -n NAME.", target="--name")
    definition = {
        "kind": TABULAR_KIND if is_table else FILE_KIND,
        "paths": [_parse_path(path, datastore) for path in paths],
        "options": guess_table_options(paths[0]) if is_table else {},
        "steps": [],
    }
    return DatasetDescription(definition, name)


def _parse_path(text: str, datastore: str | None) -> dict[str, str]:
    if datastore is not None:
        return {"datastore": datastore, "path": text.lstrip("/")}
    if "://" in text:
        return {"url": text}
    if not text:
        raise InvalidValue("--src-path is empty.", hint="Give it a path, or leave it out.", target="--src-path")
    return {"path": str(make_absolute(Path(text).expanduser()))}


def _build_record(dataset: Dataset) -> dict[str, Any]:
    """Return the record of a registered dataset, with Azure's keys and two additional ones."""
    return {
        "createdTime": format_iso(dataset.created_at),
        "datasetType": _TYPES[dataset.definition["kind"]],
        "description": dataset.description,
        "id": dataset.dataset_id,
        "name": dataset.name,
        "tags": dict(dataset.tags),
        "version": dataset.version,
    }


def _build_description(workspace: Workspace, dataset: Dataset) -> Result:
    """Return Azure's description of a dataset as a result: its definition, registration and source."""
    where = build_workspace_record(workspace.identity, workspace.home)["id"]
    record = _build_record(dataset)
    sources = [_format_source(path) for path in dataset.definition["paths"]]
    description = {
        "definition": ["GetFiles", *(step[0] for step in dataset.definition["steps"])],
        "registration": {**record, "workspace": where},
        "source": sources,
    }
    return build_record_result({**record, "source": ", ".join(sources)}, _DETAILED_FIELDS, value=description)


def _format_source(path: dict[str, str]) -> str:
    """Return a data path as the SDK shows it: `('datastore', 'folder/*.csv')`, a local path or a redacted URL."""
    if "datastore" in path:
        return str((path["datastore"], path["path"]))
    (source,) = path.values()
    return DataFile("", source).display_name
