"""Options shared by several subcommands of `computetarget`, and the record that they print."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

from mlrun_cli.actions.compute_targets import build_target_record
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.option_values import parse_tags
from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.targets.engine import BUILD_HERE
from mlrun_cli.workspace import Workspace


class BuildHost(str, Enum):
    """The machine that builds environments."""

    NODE = "node"
    HERE = BUILD_HERE

    @property
    def stored(self) -> str | None:
        """The value in a target's row; None for the default."""
        return None if self is BuildHost.NODE else self.value


Name = Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the target.")]
InFull = Annotated[bool, Option("-v", hidden=True)]
"""Accepted and without effect: the keys that `-v` adds in Azure are always shown."""
Description = Annotated[str, Option("--description", metavar="TEXT", help="Description of the target.")]
Tags = Annotated[list[str] | None, Option("--tag", "--tags", metavar="KEY=VALUE", help="Add a tag.")]
SharedFolderPath = Annotated[
    str,
    Option("--shared-folder", metavar="FOLDER", help="Folder that this machine and all nodes share, at the same path."),
]
NodePython = Annotated[
    str | None,
    Option(
        "--python",
        metavar="PATH",
        help="Python 3.10 or later on the nodes, for mlrun itself. Default: python3 on PATH.",
    ),
]
NodeSetup = Annotated[
    list[str] | None,
    Option("--setup", metavar="COMMAND", help="Shell command that precedes each run on its node."),
]

EnvironmentBuildHost = Annotated[
    BuildHost,
    Option("--build-on", help="Where environments are built: by the first node that needs one, or here at submit."),
]


def parse_target_tags(texts: Sequence[str] | None) -> dict[str, str] | None:
    """Return the tags of a target, with empty strings for missing values, or None if there are no tags."""
    return {key: value or "" for key, value in parse_tags(texts).items()} if texts else None


def build_record(workspace: Workspace, target: ComputeTarget) -> dict[str, Any]:
    """Return a target's record with both the keys that Azure shows with `-v` and those that it shows without."""
    record = build_target_record(workspace, target)
    short = {key: record["properties"][key] for key in ("provisioningErrors", "provisioningState")}
    return {**record, **short}
