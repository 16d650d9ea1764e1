"""`environment`: list, show and prune the environments that were built for runs."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.actions.prune import list_built_environments, prune_built_environments, show_built_environment
from mlrun_cli.actions.workspaces import home
from mlrun_cli.cli.arguments import seconds_of
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.shared import Shared
from mlrun_cli.errors import UsageError

app = Group("environment")


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the environments of this machine", "mlrun environment list"),
        ("When each was used last", "mlrun environment list --query '[].[key, lastUsedAt]' -o tsv"),
    ],
)
def list_all(shared: Shared) -> object:  # noqa: ARG001 - every command has them
    """List the environments that were built on this machine, the one last used first."""
    return list_built_environments(home())


@command(
    app,
    "show",
    examples=[
        ("Show what an environment holds", "mlrun environment show KEY"),
        ("The packages alone", "mlrun environment show KEY --query installed -o tsv"),
    ],
)
def show(
    shared: Shared,  # noqa: ARG001 - every command has them
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="Its key, or the beginning.")] = None,
    typed_key: Annotated[str | None, typer.Option("--name", "-n", metavar="KEY", help="The same.")] = None,
) -> object:
    """Show an environment: what it was made from, and all that is installed."""
    wanted = key or typed_key
    if not wanted:
        raise UsageError("No environment is named.", hint="Give its key, as 'mlrun environment list' shows it.")
    return show_built_environment(home(), wanted)


@command(
    app,
    "prune",
    examples=[
        ("See what has not been used for a month", "mlrun environment prune --dry-run"),
        ("Remove what has not been used for a week", "mlrun environment prune --older-than 7d"),
    ],
)
def prune(
    shared: Shared,  # noqa: ARG001 - every command has them
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="How long no run has used it, as 7d or 12h.")
    ] = "30d",
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and how much it is.")] = False,
) -> object:
    """Remove environments that no run has used for a while.

    One that a live run uses stays. A run that needs a removed one has it built again.
    """
    return prune_built_environments(home(), seconds_of(older_than, "--older-than"), dry_run=is_dry_run)
