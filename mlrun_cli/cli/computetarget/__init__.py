"""`computetarget`: create, attach, list, show and delete compute targets. Each subcommand has a file here."""

from mlrun_cli.cli.command import Group

app = Group(
    "computetarget",
    package=__name__,
    subcommands=("create", "attach ray", "attach remote", "attach slurm", "list", "show", "delete", "detach"),
)
