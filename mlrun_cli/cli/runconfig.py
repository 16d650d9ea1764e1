"""`runconfig`: list, show and check the runconfigs of a folder."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, TextIO

from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_environment_choice
from mlrun_cli.cli.output.formats import OutputFormat, render
from mlrun_cli.cli.output.record_table import Field, Record, build_listing
from mlrun_cli.cli.run.options import Environment
from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.errors import OneOptionRequired, WorkspaceNotFound
from mlrun_cli.folders.project_config import find_project_config, make_absolute
from mlrun_cli.runconfigs.search import search_runconfigs
from mlrun_cli.submit.catalog import get_runconfig_record, list_runconfigs, resolve_runconfig_names, strip_path
from mlrun_cli.wire.run_output import make_printable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mlrun_cli.submit.check import Verdict
    from mlrun_cli.workspace import Workspace

app = Group("runconfig")


def _format_refusal_reason(record: Record) -> str:
    """Return the reason why a runconfig cannot be used, or an empty string if it can."""
    reason: str | None = record["reason"]
    return "" if reason is None else strip_path(reason, record["path"])


_FIELDS = (
    Field("Runconfig", "name"),
    Field("Ok", lambda record: "yes" if record["ok"] else "no", 3),
    Field("Script", "script"),
    Field("Target", "target"),
    Field("Refused because", _format_refusal_reason, 20),
    Field("File", "path", keeps_end=True),
)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the runconfigs of this folder", "mlrun runconfig list -o table"),
        ("Print the names of those with problems", "mlrun runconfig list --query '[?!ok].name' -o tsv"),
    ],
)
def list_all(global_options: GlobalOptions) -> object:
    """List the attached folder's runconfigs by their names for -c, with any problems found in them."""
    config = find_project_config(global_options.path)
    records = list_runconfigs(make_absolute(global_options.path) if config is None else config.folder, get_home())
    return build_listing(global_options, records, _FIELDS, empty_message="No runconfigs.")


@command(
    app,
    "show",
    examples=[
        ("Show a runconfig", "mlrun runconfig show local"),
        ("Show its Python packages", "mlrun runconfig show sklearn --query environment.python"),
    ],
)
def show(
    global_options: GlobalOptions,
    name: Annotated[str, Argument(metavar="NAME", help="Name as for -c, such as 'sklearn' or 'config/train'.")],
) -> object:
    """Show a runconfig with all keys, including defaults; secrets are hidden.

    A runconfig of the 2018 Workbench is shown with today's keys.
    """
    document, notes = get_runconfig_record(global_options.path, name, get_process_redactor())
    for note in notes:
        global_options.notes.warning(note)
    return document


@command(
    app,
    "validate",
    examples=[
        ("Check a runconfig", "mlrun runconfig validate local"),
        ("Check all runconfigs below this folder", "mlrun runconfig validate --all -o table"),
    ],
)
def validate(
    global_options: GlobalOptions,
    names: Annotated[list[str] | None, Argument(metavar="[NAME]...", help="Names as for -c.")] = None,
    is_all: Annotated[bool, Option("--all", help="Check all runconfigs below the folder.")] = False,
    environment: Environment = None,
) -> object:
    """Check runconfigs without starting anything: show what each would run, or all of its problems.

    The problems are those that 'run submit-script --dry-run' reports, with file and line. With --all, all runconfigs
    below --path are checked. If no workspace is attached, targets, registered environments, data and the size of the
    folder are not checked. The exit code is 2 if a runconfig would be rejected.
    """
    from mlrun_cli.submit.check import check_runconfig  # noqa: PLC0415 - start-up of the other commands

    if bool(names) == is_all:
        raise OneOptionRequired("Name a runconfig, or choose all.", hint="Use either NAME or --all.")
    choice = parse_environment_choice(environment)
    config = find_project_config(global_options.path)
    folder = make_absolute(global_options.path)
    files = (
        resolve_runconfig_names(global_options.path, names) if names else search_runconfigs(folder, exclude=get_home())
    )
    with _open_workspace(global_options, is_attached=config is not None) as workspace:
        verdicts = [
            check_runconfig(
                file, folder, workspace=workspace, home=get_home(), environ=os.environ, environment_choice=choice
            )
            for file in files
        ]
    if workspace is None:
        global_options.notes.info(
            "Targets, registered environments and data were not looked up: there is no workspace yet."
        )
    if not verdicts and global_options.is_human_readable:
        global_options.notes.info("No runconfigs.")
    is_good = all(verdict.is_submittable for verdict in verdicts)
    rows = [_build_verdict_row(verdict) for verdict in verdicts]

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        file.write(render(rows, OutputFormat.TABLE, is_query=True))

    return Result([verdict.to_json() for verdict in verdicts], table=write_table, exit_code=0 if is_good else 2)


@command(
    app,
    "schema",
    examples=[
        ("Write the schema for an editor", "mlrun runconfig schema > runconfig.schema.json"),
        ("Print the description of a key", "mlrun runconfig schema --query properties.nodeCount.description -o tsv"),
    ],
)
def print_schema(global_options: GlobalOptions) -> object:  # noqa: ARG001 - every command is told
    """Print the JSON Schema of runconfigs, for completion and validation in editors."""
    from mlrun_cli.runconfigs.schema import build_runconfig_schema  # noqa: PLC0415

    return build_runconfig_schema()


def _open_workspace(global_options: GlobalOptions, *, is_attached: bool) -> AbstractContextManager[Workspace | None]:
    """Return a context manager that yields the workspace of `-w` or the attached folder, or None if there is neither.

    Raises:
        WorkspaceNotFound: `-w` names a workspace that does not exist. That of an attached folder may be missing.
    """
    if not is_attached and not global_options.workspace_name:
        return nullcontext()
    try:
        return open_context(global_options, only_reads=True).workspace
    except WorkspaceNotFound:
        if global_options.workspace_name:
            raise
        return nullcontext()


def _build_verdict_row(verdict: Verdict) -> dict[str, str]:
    """Return a verdict's row for the table, with empty cells for missing values."""
    return {
        "file": make_printable(verdict.file),
        "loads": "yes" if verdict.loads else "no",
        "would run as": make_printable(verdict.would_run_as or ""),
        "refused because": make_printable(verdict.short_reason or ""),
        "missing": make_printable(", ".join(verdict.missing)),
        "notes": make_printable(verdict.first_note or ""),
    }
