"""`run show | open | export | metrics | files`: what a run holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.run_choice import get_run, get_runs, one_or_all
from mlrun_cli.cli.run_options import ExperimentName, RunId, RunIds, SomeRunIds
from mlrun_cli.cli.shared import Shared

app = Group("run")


@command(
    app,
    "show",
    examples=[
        ("Show a run", "mlrun run show -r @latest"),
        ("How the newest run went", "mlrun run show -r @latest --query status -o tsv"),
    ],
)
def show(shared: Shared, run_ids: RunIds, experiment_name: ExperimentName = None) -> object:
    """Show a run: status, times, tags, properties, what it was submitted with, and its page of the studio.

    Of several runs it is a list.
    """
    from mlrun_cli.actions.addresses import shown_record  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        records = [shown_record(workspace, run) for run in get_runs(context, run_ids, experiment_name)]

    def table(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.run_pages import print_run  # noqa: PLC0415
        from mlrun_cli.cli.runs_table import print_runs_table  # noqa: PLC0415

        now = datetime.now(timezone.utc)
        if len(records) == 1:
            print_run(records[0], file=file, width=width, now=now)
        else:
            print_runs_table(records, file=file, width=width, now=now, colour=colour)

    return Result(one_or_all(records), table=table)


@command(
    app,
    "open",
    examples=[
        ("Look at the newest run in the browser", "mlrun run open -r @latest"),
        ("Its address alone, to pass on", "mlrun run open -r @latest --query address -o tsv"),
    ],
)
def open_page(shared: Shared, run_id: RunId, experiment_name: ExperimentName = None) -> object:
    """Open a run's page in the browser; prints its address. The studio has to be there: see 'mlrun studio -h'."""
    from mlrun_cli.actions.addresses import run_address  # noqa: PLC0415
    from mlrun_cli.cli.studio_page import open_studio_page  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        address = run_address(workspace, get_run(context, run_id, experiment_name).run_id)
        return open_studio_page(workspace.home, address, shared.notes)


@command(
    app,
    "export",
    examples=[
        ("Write the newest run as a page to mail", "mlrun run export --html run.html -r @latest"),
        ("Two runs side by side", "mlrun run export --html compared.html -r ID1 -r ID2"),
    ],
)
def export(
    shared: Shared,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The file to write.")],
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_overwriting: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> object:
    """Write a run, or several side by side, as one HTML file that needs neither studio nor network.

    Without -r it is the newest run. The file holds curves, tables, images and the end of the log, and no script.
    Secrets that the record hides are hidden in it too.
    """
    from mlrun_cli.cli.run_export import export_runs  # noqa: PLC0415
    from mlrun_cli.cli.studio import check_studio_extra  # noqa: PLC0415

    check_studio_extra()
    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids or ["@latest"], experiment_name)
        return export_runs(workspace, runs, html, overwrite=is_overwriting)


@command(
    app,
    "metrics",
    query_words=True,
    examples=[
        ("Show what the newest run has logged", "mlrun run metrics -r @latest"),
        ("Its last loss", "mlrun run metrics -r @latest --name loss --last --query loss"),
    ],
)
def show_metrics(
    shared: Shared,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="This metric alone.")] = None,
    last: Annotated[bool, typer.Option("--last", help="The newest value of each, instead of all.")] = False,
) -> object:
    """Show what a run has logged, by metric; of several runs, by run id and metric."""
    from mlrun_cli.actions.metrics import get_metrics  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        metrics = {run.run_id: get_metrics(workspace, run, name=name, last=last) for run in runs}

    def table(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.run_pages import print_metrics  # noqa: PLC0415

        print_metrics(metrics, file=file, width=width, colour=colour)

    if not any(metrics.values()) and shared.is_for_people:
        shared.notes.say("No metrics.")
    return Result(_one_or_by_id(metrics), table=table)


@command(
    app,
    "files",
    query_words=True,
    examples=[
        ("List the files of the newest run", "mlrun run files -r @latest"),
        (
            "Those under outputs",
            "mlrun run files -r @latest --query \"[?starts_with(@, 'outputs/')]\" -o tsv",
        ),
    ],
)
def files(shared: Shared, run_ids: RunIds, experiment_name: ExperimentName = None) -> object:
    """List the files of a run: its logs, and what the script wrote; of several runs, by run id."""
    from mlrun_cli.actions.artifacts import list_files  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        return _one_or_by_id({run.run_id: list_files(workspace, run) for run in runs})


def _one_or_by_id(values: Mapping[str, Any]) -> object:
    """The value of the only run, or all of them by run id."""
    return next(iter(values.values())) if len(values) == 1 else values
