"""`run files`: list the files of a run."""

from __future__ import annotations

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import get_runs, unwrap_single_value


@command(
    app,
    "files",
    query_words=True,
    examples=[
        ("List the files of the newest run", "mlrun run files -r @latest"),
        (
            "List those under outputs",
            "mlrun run files -r @latest --query \"[?starts_with(@, 'outputs/')]\" -o tsv",
        ),
    ],
)
def list_run_files(global_options: GlobalOptions, run_ids: RunIds, experiment_name: ExperimentName = None) -> object:
    """List a run's logs and the files that its script wrote; for several runs, grouped by run id."""
    from mlrun_cli.actions.artifacts import list_files  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        return unwrap_single_value({run.run_id: list_files(workspace, run) for run in runs})
