"""`computetarget delete`."""

from __future__ import annotations

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import InFull, Name, build_record
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions


@command(
    app,
    "delete",
    examples=[
        ("Delete a target", "mlrun computetarget delete -n cpu-cluster"),
        ("Delete it and print its id", "mlrun computetarget delete -n cpu-cluster --query id -o tsv"),
    ],
)
def delete(global_options: GlobalOptions, name: Name, in_full: InFull = False) -> object:  # noqa: ARG001
    """Delete a compute target and print its record.

    The command fails if the target has queued or active runs. For 'local', only the limit is removed.
    """
    with open_context(global_options).workspace as workspace:
        record = build_record(workspace, actions.get_compute_target(workspace, name))
        actions.delete_compute_target(workspace, name)
        return record
