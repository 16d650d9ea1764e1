"""`pipeline`: publish pipelines, and submit them at certain times. Each subcommand is a module here."""

from mlrun_cli.cli.command import Group

app = Group(
    "pipeline",
    package=__name__,
    subcommands=(
        "create",
        "list",
        "show",
        "get",
        "clone",
        "enable",
        "disable",
        "list-steps",
        "create-schedule",
        "list-schedules",
        "update-schedule",
        "enable-schedule",
        "disable-schedule",
        "show-schedule",
        "last-pipeline-run",
        "pipeline-runs-list",
    ),
)
