"""`notify`: notifications about the ends of runs."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions import notifications as actions
from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import Field, build_fields_layout, build_listing
from mlrun_cli.notifications.rules import ENDS

app = Group("notify")


@command(
    app,
    "add",
    examples=[
        ("Mail the failures of all runs", "mlrun notify add mailto://USER:PASSWORD@example.com --on failed"),
        ("Run a program at each end of a run of one experiment", "mlrun notify add 'cmd:notify-send {title}' -e exp"),
    ],
)
def add(
    global_options: GlobalOptions,
    address: Annotated[str, Argument(metavar="ADDRESS", help="cmd:'COMMAND', or a URL of Apprise.")],
    ends: Annotated[
        str, Option("--on", metavar="END,...", help="Ends to notify of: completed, failed, canceled.")
    ] = ",".join(ENDS),
    experiment_name: Annotated[
        str | None, Option("--experiment-name", "-e", metavar="NAME", help="Only runs of this experiment.")
    ] = None,
) -> object:
    """Add an address to notify when runs of the workspace end.

    The address is kept in a file that only you can read, and is not shown again. Child runs are left out.
    """
    with open_context(global_options, creates=True).workspace as workspace:
        names = [end.strip().lower() for end in ends.split(",") if end.strip()]
        record = actions.add_rule(workspace, address, names, experiment_name)
    return Result(record, layout=lambda _: build_fields_layout([record], _FIELDS))


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List who is notified", "mlrun notify list -o table"),
        ("Print the numbers for 'remove'", "mlrun notify list --query '[].id' -o tsv"),
    ],
)
def list_notifications(global_options: GlobalOptions) -> object:
    """List the addresses that are notified when runs end, with secrets redacted."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = actions.list_rules(workspace)
    return build_listing(global_options, records, _FIELDS, empty_message="Nobody is notified.")


@command(
    app,
    "remove",
    examples=[
        ("Notify number 1 no more", "mlrun notify remove 1"),
        ("See the numbers first", "mlrun notify list -o table"),
    ],
)
def remove(
    global_options: GlobalOptions,
    number: Annotated[int, Argument(metavar="ID", help="Number of the notification.")],
    yes: Yes = False,
) -> None:
    """Stop notifying an address; on a terminal, the command asks for confirmation."""
    with open_context(global_options).workspace as workspace:
        record = actions.get_rule(workspace, number)
        confirm_on_terminal(global_options, f"Stop notifying {record['address']}?", yes=yes)
        actions.remove_rule(workspace, number)


_FIELDS = (
    Field("Id", "id", 2),
    Field("Address", "address", 12),
    Field("On", lambda record: ", ".join(record["on"]), 8),
    Field("Experiment", "experiment_name", 8),
)
