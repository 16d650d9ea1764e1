"""`computetarget`: create, attach, list, show and delete compute targets. Each subcommand has a file here.

The kinds that can be attached are those of `mlrun_cli/targets/kinds.py`.
"""

from mlrun_cli.cli.command import Group
from mlrun_cli.targets.kinds import list_attached_kinds

app = Group(
    "computetarget",
    package=__name__,
    subcommands=(
        "create",
        *(kind.attach_subcommand for kind in list_attached_kinds()),
        "list",
        "show",
        "delete",
        "detach",
    ),
)
