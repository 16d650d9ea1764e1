"""`computetarget detach`."""

from __future__ import annotations

from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.delete import delete
from mlrun_cli.cli.computetarget.options import InFull, Name
from mlrun_cli.cli.global_options import GlobalOptions


@command(
    app,
    "detach",
    examples=[
        ("Detach a target", "mlrun computetarget detach -n cpu-cluster"),
        ("Remove it and print its id", "mlrun computetarget detach -n cpu-cluster --query id -o tsv"),
    ],
)
def detach(shared: GlobalOptions, name: Name, in_full: InFull = False) -> object:
    """Delete a compute target, as 'delete' does: there is no machine to keep."""
    return delete(shared, name, in_full)
