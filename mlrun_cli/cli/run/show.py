"""`run show`: show the record of a run."""

from __future__ import annotations

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.page import build_runs_result
from mlrun_cli.cli.run.selection import get_runs


@command(
    app,
    "show",
    examples=[
        ("Show a run", "mlrun run show -r @latest"),
        ("Print the status of the newest run", "mlrun run show -r @latest --query status -o tsv"),
    ],
)
def show(global_options: GlobalOptions, run_ids: RunIds, experiment_name: ExperimentName = None) -> object:
    """Show a run: status, times, tags, properties, submitted settings, used resources, and the URL of its studio page.

    Several runs are printed as a list. With -o table, one run is a page, with its metrics, files and failure.
    """
    context = open_context(global_options, only_reads=True)
    with context.workspace:
        runs = get_runs(context, run_ids, experiment_name)
        return build_runs_result(context.workspace, runs, is_human_readable=global_options.is_human_readable)
