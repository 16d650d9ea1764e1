"""`run export`: write runs as an HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, SomeRunIds
from mlrun_cli.cli.run.selection import get_runs


@command(
    app,
    "export",
    examples=[
        ("Export the newest run to a page that you can mail", "mlrun run export --html run.html -r @latest"),
        ("Compare two runs side by side", "mlrun run export --html compared.html -r ID1 -r ID2"),
    ],
)
def export(
    global_options: GlobalOptions,
    html: Annotated[Path, Option("--html", metavar="FILE", help="The file to write.")],
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_overwriting: Annotated[bool, Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> object:
    """Export one run, or several side by side, to an HTML file that needs neither studio nor network.

    The default is the newest run. The file contains curves, tables, images and the end of the log, but no scripts.
    Secrets that are hidden in the run's record are hidden in the file too.
    """
    from mlrun_cli.cli.run.html_page import export_runs  # noqa: PLC0415
    from mlrun_cli.cli.studio import check_studio_extra  # noqa: PLC0415

    check_studio_extra()
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids or ["@latest"], experiment_name)
        return export_runs(workspace, runs, html, overwrite=is_overwriting)
