"""`run open`: open a run's page in the browser."""

from __future__ import annotations

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunId
from mlrun_cli.cli.run.selection import get_run


@command(
    app,
    "open",
    examples=[
        ("Open the newest run in the browser", "mlrun run open -r @latest"),
        ("Print only its URL, to share it", "mlrun run open -r @latest --query address -o tsv"),
    ],
)
def open_page(global_options: GlobalOptions, run_id: RunId, experiment_name: ExperimentName = None) -> object:
    """Open a run's page in the browser and print its URL; this requires a running 'mlrun studio'."""
    from mlrun_cli.actions.studio_urls import build_run_url  # noqa: PLC0415
    from mlrun_cli.cli.studio_page import open_studio_page  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        address = build_run_url(workspace, get_run(context, run_id, experiment_name).run_id)
        return open_studio_page(workspace.home, address, global_options.notes)
