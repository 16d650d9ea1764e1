"""`run`: submit a script, then list, show, follow, cancel, update and delete runs. Each subcommand is a module here."""

from mlrun_cli.cli.command import Group

app = Group(
    "run",
    package=__name__,
    subcommands=(
        "submit-script",
        "submit-hyperdrive",
        "sweep",
        "submit-pipeline",
        "rerun",
        "resume",
        "list",
        "show",
        "view",
        "open",
        "export",
        "metrics",
        "files",
        "snapshot",
        "compare",
        "diff",
        "wait",
        "monitor-logs",
        "monitor-tensorboard",
        "download-logs",
        "cancel",
        "update",
        "download",
        "delete",
        "restore",
    ),
)
