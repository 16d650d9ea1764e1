"""`experiment`: list, show, open, delete and restore experiments."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions.experiments import (
    get_experiment,
    list_deleted_experiments,
    list_experiments,
    move_experiment_to_trash,
    restore_experiment,
)
from mlrun_cli.actions.trash import DAYS_KEPT
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.confirmation import UnusedYes, Yes, confirm
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import (
    TIME_WIDTH,
    Field,
    build_listing,
    build_record_result,
    build_time_formatter,
    format_record_tags,
)

app = Group("experiment")

_FIELDS = (
    Field("Experiment", "name"),
    Field("Made", build_time_formatter("createdUtc"), TIME_WIDTH),
    Field("Tags", format_record_tags),
    Field("Description", "description"),
)

_DeletedName = Annotated[str, Option("--experiment-name", "-e", "-n", metavar="NAME", help="Name of the experiment.")]
_Name = Annotated[
    str | None,
    Option("--experiment-name", "-e", "-n", metavar="NAME", help="Experiment. Default: the attached folder's."),
]


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the experiments of the workspace", "mlrun experiment list"),
        ("List only their names", "mlrun experiment list --query '[].name' -o tsv"),
    ],
)
def list_all(
    global_options: GlobalOptions,
    is_deleted: Annotated[bool, Option("--deleted", help="Experiments in the trash, the last deleted first.")] = (
        False
    ),
) -> object:
    """List the workspace's experiments, sorted by name."""
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        if is_deleted:
            return list_deleted_experiments(workspace)
        records = list_experiments(workspace)
        has_deleted = not records and bool(list_deleted_experiments(workspace))
    message = "No experiments." if not has_deleted else "No experiments. --deleted lists those in the trash."
    return build_listing(global_options, records, _FIELDS, empty_message=message)


@command(
    app,
    "show",
    examples=[
        ("Show the attached folder's experiment", "mlrun experiment show"),
        ("Show another one", "mlrun experiment show -e testexperiment"),
    ],
)
def show(global_options: GlobalOptions, name: _Name = None) -> object:
    """Show an experiment."""
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        record = get_experiment(workspace, context.get_experiment_name(name))
    return build_record_result(record, _FIELDS)


@command(
    app,
    "open",
    examples=[
        ("Open the attached folder's experiment in the browser", "mlrun experiment open"),
        ("Open another one", "mlrun experiment open -e testexperiment"),
    ],
)
def open_page(global_options: GlobalOptions, name: _Name = None) -> object:
    """Open an experiment's page in the browser and print its URL; this requires a running 'mlrun studio'."""
    from mlrun_cli.actions.studio_urls import build_experiment_url  # noqa: PLC0415
    from mlrun_cli.cli.studio_page import open_studio_page  # noqa: PLC0415

    context = open_context(global_options)
    with context.workspace as workspace:
        address = build_experiment_url(workspace, get_experiment(workspace, context.get_experiment_name(name))["name"])
        return open_studio_page(workspace.home, address, global_options.notes)


@command(
    app,
    "delete",
    examples=[
        ("Delete an experiment with its runs", "mlrun experiment delete -e testexperiment --yes"),
        ("Delete one with runs that models come from", "mlrun experiment delete -e testexperiment --force --yes"),
    ],
)
def delete(
    global_options: GlobalOptions,
    name: _DeletedName,
    yes: Yes = False,
    force: Annotated[bool, Option("--force", help="Also delete kept runs and runs that a model comes from.")] = False,
) -> object:
    """Move an experiment and all its runs to the trash; the runs must have ended.

    'mlrun experiment restore' brings it back until 'mlrun workspace prune' removes what was deleted over 30 days ago.
    """
    context = open_context(global_options)
    with context.workspace as workspace:
        get_experiment(workspace, context.get_experiment_name(name))
        if not yes:
            question = f"Delete the experiment '{name}' with all its runs, restorable for {DAYS_KEPT} days?"
            confirm(global_options, question, declined_message="Nothing was deleted.")
        return {"name": name, "runs": move_experiment_to_trash(workspace, name, force=force)}


@command(
    app,
    "restore",
    examples=[
        ("Restore a deleted experiment with its runs", "mlrun experiment restore -e testexperiment"),
        ("Restore it and print its id", "mlrun experiment restore -e testexperiment --query experimentId -o tsv"),
    ],
)
def restore(global_options: GlobalOptions, name: _DeletedName, yes: UnusedYes = False) -> object:  # noqa: ARG001
    """Restore a deleted experiment, and the runs that were deleted with it."""
    context = open_context(global_options)
    with context.workspace as workspace:
        record = restore_experiment(workspace, context.get_experiment_name(name))
    return build_record_result(record, _FIELDS)
