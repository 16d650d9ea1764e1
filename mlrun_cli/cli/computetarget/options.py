"""Options that several verbs of `computetarget` have, and the record that they print."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlrun_cli.actions.workspaces import build_workspace_record
from mlrun_cli.compute.compute_target import ComputeTarget, build_compute_target_record
from mlrun_cli.workspace import Workspace

Name = Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="Name of the target.")]
InFull = Annotated[bool, typer.Option("-v", hidden=True)]
"""Accepted and without effect: the keys that `-v` adds in Azure are always shown."""
Description = Annotated[str, typer.Option("--description", metavar="TEXT", help="Description of the target.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", "--tags", metavar="KEY=VALUE", help="Add a tag.")]


def build_record(workspace: Workspace, target: ComputeTarget) -> dict[str, Any]:
    """Return the record of a target, with the keys that Azure shows with `-v` and those it shows without."""
    record = build_compute_target_record(target, build_workspace_record(workspace.identity, workspace.home)["id"])
    short = {key: record["properties"][key] for key in ("provisioningErrors", "provisioningState")}
    return {**record, **short}
