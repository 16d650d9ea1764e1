"""`computetarget detach`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.delete import delete_target
from mlrun_cli.cli.computetarget.options import InFull, Name
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.compute.compute_target import LOCAL_TARGET


@command(
    app,
    "detach",
    examples=[
        ("Detach a target", "mlrun computetarget detach -n cpu-cluster"),
        ("Detach a cluster that is gone for good", "mlrun computetarget detach -n cluster --force"),
    ],
)
def detach(
    global_options: GlobalOptions,
    name: Name,
    force: Annotated[
        bool, Option("--force", help="Cancel its runs first, even if the cluster or machine does not answer.")
    ] = False,
    yes: Yes = False,
    in_full: InFull = False,  # noqa: ARG001
) -> object:
    """Delete a compute target, as 'delete' does; the machine or cluster itself is not affected.

    On a terminal, the command asks for confirmation. With --force, its queued and active runs are Canceled. The jobs of
    those that cannot be reached may go on there.
    """
    if force and name != LOCAL_TARGET:  # of which only the limit is removed
        from mlrun_cli.actions.forced_ends import force_end_target_runs  # noqa: PLC0415

        with open_context(global_options).workspace as workspace:
            actions.get_compute_target(workspace, name)
            question = f"Cancel the runs of the compute target '{name}', and delete it?"
            confirm_on_terminal(global_options, question, yes=yes)
            unreached = force_end_target_runs(workspace, name)
        if unreached:
            global_options.notes.warning(
                f"These runs could not be reached; their jobs may go on: {', '.join(unreached)}."
            )
        yes = True
    return delete_target(global_options, name, yes=yes, loses_values=force)
