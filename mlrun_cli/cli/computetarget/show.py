"""`computetarget show`."""

from __future__ import annotations

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import InFull, Name, build_record, build_target_result
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.errors import MlrunError


@command(
    app,
    "show",
    examples=[
        ("Show a target", "mlrun computetarget show -n cpu-cluster"),
        (
            "Show what is free in an attached cluster",
            "mlrun computetarget show -n slurm --query 'nodes[].[name, free_cpus]'",
        ),
    ],
)
def show(global_options: GlobalOptions, name: Name, in_full: InFull = False) -> object:  # noqa: ARG001
    """Show a compute target.

    The record of an attached cluster has its partitions and nodes, with their states and what of them is free.
    """
    with open_context(global_options, only_reads=True).workspace as workspace:
        record = build_record(workspace, actions.get_compute_target(workspace, name))
        try:
            record |= actions.describe_nodes(workspace, name)
        except MlrunError as error:
            global_options.notes.warning(error.one_line)
    return build_target_result(record)
