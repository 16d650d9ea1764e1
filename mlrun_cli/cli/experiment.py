"""`experiment`: list, show and open experiments."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.actions.experiments import get_experiment, list_experiments
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import Field, build_listing, format_record_tags, make_time_formatter

app = Group("experiment")

_FIELDS = (
    Field("Experiment", "name"),
    Field("Made", make_time_formatter("createdUtc"), 10),
    Field("Tags", format_record_tags),
    Field("Description", "description"),
)

_Name = Annotated[
    str | None,
    typer.Option("--experiment-name", "-e", "-n", metavar="NAME", help="Experiment. Default: the attached folder's."),
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
def list_all(shared: GlobalOptions) -> object:
    """List the workspace's experiments, sorted by name."""
    context = open_context(shared)
    with context.workspace as workspace:
        records = list_experiments(workspace)
    return build_listing(shared, records, _FIELDS, nothing="No experiments.")


@command(
    app,
    "show",
    examples=[
        ("Show the attached folder's experiment", "mlrun experiment show"),
        ("Show another one", "mlrun experiment show -e testexperiment"),
    ],
)
def show(shared: GlobalOptions, name: _Name = None) -> object:
    """Show an experiment."""
    context = open_context(shared)
    with context.workspace as workspace:
        return get_experiment(workspace, context.get_experiment_name(name))


@command(
    app,
    "open",
    examples=[
        ("Open the attached folder's experiment in the browser", "mlrun experiment open"),
        ("Open another one", "mlrun experiment open -e testexperiment"),
    ],
)
def open_page(shared: GlobalOptions, name: _Name = None) -> object:
    """Open an experiment's page in the browser and print its URL; this requires a running 'mlrun studio'."""
    from mlrun_cli.actions.studio_urls import build_experiment_url  # noqa: PLC0415
    from mlrun_cli.cli.studio_page import open_studio_page  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        address = build_experiment_url(workspace, get_experiment(workspace, context.get_experiment_name(name))["name"])
        return open_studio_page(workspace.home, address, shared.notes)
