"""`environment`: register environments, and manage those that were built for runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from mlrun_cli.actions import environments as actions
from mlrun_cli.actions.prune import get_built_environment, list_built_environments, prune_built_environments
from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.confirmation import Yes, confirm
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_seconds
from mlrun_cli.cli.output.record_table import (
    TIME_WIDTH,
    Field,
    build_listing,
    build_record_result,
    build_time_formatter,
)
from mlrun_cli.core.sizes import format_size
from mlrun_cli.core.time import format_iso
from mlrun_cli.environments.definition_folder import (
    read_environment_folder,
    scaffold_environment_folder,
    write_environment_folder,
)
from mlrun_cli.environments.registered import RegisteredEnvironment
from mlrun_cli.errors import OneOptionRequired
from mlrun_cli.folders.project_config import make_absolute

app = Group("environment")


def _format_packages(record: Mapping[str, Any]) -> str:
    """Return an environment's packages on one line, or the path of the interpreter that provides them."""
    python = record.get("python") or {}
    if python.get("userManagedDependencies"):
        return f"those of {python.get('interpreterPath') or 'python'}"
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    own = [one for one in dependencies if isinstance(one, str)]
    pip = [each for one in dependencies if isinstance(one, dict) for each in one.get("pip") or []]
    return ", ".join(map(str, [*own, *pip]))


_FIELDS = (
    Field("Environment", "name"),
    Field("Version", "version", 1),
    Field("Registered", build_time_formatter("createdTime"), TIME_WIDTH),
    Field("Packages", _format_packages, 12),
    Field("Image", lambda record: (record.get("docker") or {}).get("baseImage") or "", 12),
    Field("Labels", lambda record: ", ".join(record["labels"])),
)
_BUILT_FIELDS = (
    Field("Key", "key", 12, is_id=True),
    Field("Python", "python", 4),
    Field("Packages", "packages", 1),
    Field("Builder", "builder", 2),
    Field("Built", build_time_formatter("builtAt"), TIME_WIDTH),
    Field("Last used", build_time_formatter("lastUsedAt"), TIME_WIDTH),
)

_Name = Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the environment.")]
_Folder = Annotated[Path, Option("--directory", "-d", metavar="FOLDER", help="Folder with azureml_environment.json.")]
_Version = Annotated[str | None, Option("--version", "-v", metavar="VERSION", help="Version. Default: the newest.")]


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the environments of the workspace", "mlrun environment list"),
        ("Print when each built environment was last used", "mlrun environment list --built --query '[].lastUsedAt'"),
    ],
)
def list_environments(
    global_options: GlobalOptions,
    is_built: Annotated[
        bool,
        Option("--built", help="List environments built for runs on this machine, most recently used first."),
    ] = False,
    is_curated: Annotated[
        bool, Option("--curated", help="List the environments of Azure that are provided here.")
    ] = False,
) -> object:
    """List the newest version of each of the workspace's environments, sorted by name."""
    if is_curated:
        curated = [_build_record(one) for one in actions.list_curated_environments()]
        return build_listing(global_options, curated, _FIELDS, empty_message="There are none.")
    if is_built:
        return build_listing(
            global_options,
            list_built_environments(get_home()),
            _BUILT_FIELDS,
            empty_message="No environments were built.",
        )
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [_build_record(one) for one in actions.list_environments(workspace)]
    return build_listing(
        global_options, records, _FIELDS, empty_message="No environments; 'list --built' has those that were built."
    )


@command(
    app,
    "show",
    examples=[
        ("Show an environment of the workspace", "mlrun environment show -n training"),
        (
            "List the packages installed in a built environment",
            "mlrun environment show --built KEY --query installed -o tsv",
        ),
    ],
)
def show(
    global_options: GlobalOptions,
    name: Annotated[str | None, Option("--name", "-n", metavar="NAME", help="Name of the environment.")] = None,
    version: _Version = None,
    key: Annotated[
        str | None, Option("--built", metavar="KEY", help="Key of a built environment, or its first characters.")
    ] = None,
) -> object:
    """Show an environment registered in the workspace, or one built on this machine."""
    if (name is None) == (key is None):
        raise OneOptionRequired(
            "Name one environment: one that is registered, or one that was built.",
            hint="Use either -n NAME, or --built KEY with a key of 'mlrun environment list --built'.",
        )
    if key is not None:
        return get_built_environment(get_home(), key)
    with open_context(global_options, only_reads=True).workspace as workspace:
        return _build_result(actions.get_environment(workspace, name or "", version))


@command(
    app,
    "register",
    examples=[
        ("Register the environment defined in a folder", "mlrun environment register -d myenvironment"),
        ("Print only its version", "mlrun environment register -d myenvironment --query version -o tsv"),
    ],
)
def register(global_options: GlobalOptions, folder: _Folder) -> object:
    """Register the environment defined in a folder as the next version of its name.

    The definition includes the folder's conda_dependencies.yml. If it equals the newest version, no version is added.
    """
    definition = read_environment_folder(make_absolute(folder.expanduser()))
    with open_context(global_options, creates=True).workspace as workspace:
        return _build_result(actions.register_environment(workspace, str(definition["name"]), definition))


@command(
    app,
    "download",
    examples=[
        ("Write an environment to a folder", "mlrun environment download -n training -d training"),
        ("Replace existing files", "mlrun environment download -n training -d myenvironment --overwrite"),
    ],
)
def download(
    global_options: GlobalOptions,
    name: _Name,
    folder: Annotated[
        Path,
        Option("--directory", "-d", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
    version: _Version = None,
    is_overwriting: Annotated[bool, Option("--overwrite", help="Replace existing environment files.")] = False,
) -> object:
    """Write one of the workspace's environments to a folder, to be edited and registered again."""
    where = make_absolute(folder.expanduser())
    with open_context(global_options, only_reads=True).workspace as workspace:
        found = actions.get_environment(workspace, name, version)
    write_environment_folder(where, _build_definition(found), overwrite=is_overwriting)
    return {"directory": str(where), "name": found.name, "version": found.version}


@command(
    app,
    "scaffold",
    examples=[
        ("Start a new environment", "mlrun environment scaffold -n training -d environments/training"),
        ("Start another one", "mlrun environment scaffold -n scoring -d environments/scoring"),
    ],
)
def scaffold(
    global_options: GlobalOptions,  # noqa: ARG001 - every command has them
    name: _Name,
    folder: Annotated[
        Path,
        Option("--directory", "-d", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
) -> object:
    """Write a starter environment to a folder: a definition and a conda file."""
    actions.check_environment_name(name)
    where = make_absolute(folder.expanduser())
    scaffold_environment_folder(where, name)
    return {"directory": str(where), "name": name}


@command(
    app,
    "prune",
    examples=[
        ("Show what has not been used for a month", "mlrun environment prune --dry-run"),
        ("Remove what has not been used for a week", "mlrun environment prune --older-than 7d"),
    ],
)
def prune(
    global_options: GlobalOptions,
    older_than: Annotated[
        str,
        Option("--older-than", metavar="TIME", help="Minimum time since the last use by a run, such as 7d or 12h."),
    ] = "30d",
    is_dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would be removed and its size; remove nothing.")
    ] = False,
    yes: Yes = False,
) -> object:
    """Remove environments that no run has used for a while.

    Environments used by active runs are not removed. A removed environment is rebuilt when a run needs it. On a
    terminal, the command asks for confirmation.
    """
    home, seconds = get_home(), parse_seconds(older_than, "--older-than", needs_unit=True)
    if not is_dry_run and not yes and global_options.can_prompt:
        unused = prune_built_environments(home, seconds, dry_run=True)
        if not unused["environments"]:
            return {**unused, "dryRun": False}
        what = f"{len(unused['environments'])} environments that no run has used for {older_than}"
        question = f"Remove {what} ({format_size(unused['bytes'])})?"
        confirm(global_options, question, declined_message="Nothing was removed.")
    return prune_built_environments(home, seconds, dry_run=is_dry_run)


def _build_result(environment: RegisteredEnvironment) -> Result:
    """Return an environment as a command's result."""
    record = _build_record(environment)
    return build_record_result(record, _FIELDS)


def _build_record(environment: RegisteredEnvironment) -> dict[str, Any]:
    """Return an environment's definition in Azure's format, with its labels and registration time."""
    return {
        **_build_definition(environment),
        "createdTime": format_iso(environment.created_at) if environment.key else None,
        "labels": list(environment.labels),
    }


def _build_definition(environment: RegisteredEnvironment) -> dict[str, Any]:
    return {**environment.definition, "name": environment.name, "version": environment.version}
