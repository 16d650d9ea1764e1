"""`computetarget delete`."""

from __future__ import annotations

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import InFull, Name, build_record, build_target_result
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.compute.compute_target import LOCAL_TARGET


@command(
    app,
    "delete",
    examples=[
        ("Delete a target", "mlrun computetarget delete -n cpu-cluster"),
        ("Delete it and print its id", "mlrun computetarget delete -n cpu-cluster --query id -o tsv"),
    ],
)
def delete(
    global_options: GlobalOptions,
    name: Name,
    yes: Yes = False,
    in_full: InFull = False,  # noqa: ARG001
) -> object:
    """Delete a compute target and print its record.

    The command fails if the target has queued or active runs, or if the last values of ended ones could not be stored
    yet. For 'local', only the limit is removed. On a terminal, the command asks for confirmation.
    """
    return delete_target(global_options, name, yes=yes)


def delete_target(global_options: GlobalOptions, name: str, *, yes: bool, loses_values: bool = False) -> object:
    """Delete a compute target after a confirmation, and return its record for the output.

    Raises:
        MlrunError: see `delete_compute_target`.
    """
    with open_context(global_options).workspace as workspace:
        record = build_record(workspace, actions.get_compute_target(workspace, name))
        what = "the limit of the compute target 'local'" if name == LOCAL_TARGET else f"the compute target '{name}'"
        confirm_on_terminal(global_options, f"Delete {what}?", yes=yes)
        actions.delete_compute_target(workspace, name, loses_values=loses_values)
    return build_target_result(record)
