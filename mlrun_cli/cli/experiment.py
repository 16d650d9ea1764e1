"""`experiment`: list and show experiments."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.actions.experiments import get_experiment, list_experiments
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.shared import Shared

app = Group("experiment", help="List and show experiments.")

_Name = Annotated[
    str | None,
    typer.Option("--experiment-name", "-e", "-n", metavar="NAME", help="Default: the attached folder's."),
]


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the experiments of the workspace", "mlrun experiment list"),
        ("Their names alone", "mlrun experiment list --query '[].name' -o tsv"),
    ],
)
def list_all(shared: Shared) -> object:
    """List the experiments of the workspace, by name."""
    context = open_context(shared)
    with context.workspace as workspace:
        return list_experiments(workspace)


@command(
    app,
    "show",
    examples=[
        ("Show the attached folder's experiment", "mlrun experiment show"),
        ("Show another one", "mlrun experiment show -e testexperiment"),
    ],
)
def show(shared: Shared, name: _Name = None) -> object:
    """Show an experiment."""
    context = open_context(shared)
    with context.workspace as workspace:
        return get_experiment(workspace, context.experiment_name(name))
