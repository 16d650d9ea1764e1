"""`computetarget list`."""

from __future__ import annotations

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import TARGET_FIELDS, InFull, build_record
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import build_listing


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the targets of the workspace", "mlrun computetarget list -o table"),
        ("List only their names", "mlrun computetarget list --query '[].name' -o tsv"),
    ],
)
def list_targets(global_options: GlobalOptions, in_full: InFull = False) -> object:  # noqa: ARG001
    """List the workspace's compute targets, sorted by name; 'local' is included if it has a node limit."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [build_record(workspace, target) for target in actions.list_compute_targets(workspace)]
    return build_listing(
        global_options, records, TARGET_FIELDS, empty_message="No compute targets; 'local' is always there."
    )
