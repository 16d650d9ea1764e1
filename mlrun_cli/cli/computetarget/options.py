"""Options shared by several subcommands of `computetarget`, and the record that they print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any

from mlrun_cli.actions.compute_targets import build_target_record
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.option_values import parse_tags
from mlrun_cli.cli.output.record_table import (
    TIME_WIDTH,
    Field,
    build_record_result,
    build_time_formatter,
    format_record_tags,
)
from mlrun_cli.compute.compute_target import COMPUTE_INSTANCE, ComputeTarget
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


def _format_max_nodes(record: Mapping[str, Any]) -> str:
    """Return the maximum number of nodes in use, or an empty string if the record does not specify it."""
    if record["properties"]["computeType"] == COMPUTE_INSTANCE:
        return "1"
    scale = record["properties"]["properties"].get("scaleSettings")
    return "" if scale is None else str(scale["maxNodeCount"])


TARGET_FIELDS = (
    Field("Target", "name"),
    Field("Kind", lambda record: record["properties"]["computeType"]),
    Field("Most nodes", _format_max_nodes, 1),
    Field("Made", lambda record: build_time_formatter("createdOn")(record["properties"]), TIME_WIDTH),
    Field("Tags", format_record_tags),
    Field("Description", lambda record: record["properties"]["description"]),
)


def parse_target_tags(texts: Sequence[str] | None) -> dict[str, str] | None:
    """Return the tags of a target, with empty strings for missing values, or None if there are no tags."""
    return {key: value or "" for key, value in parse_tags(texts).items()} if texts else None


def build_record(workspace: Workspace, target: ComputeTarget) -> dict[str, Any]:
    """Return a target's record with both the keys that Azure shows with `-v` and those that it shows without."""
    record = build_target_record(workspace, target)
    short = {key: record["properties"][key] for key in ("provisioningErrors", "provisioningState")}
    return {**record, **short}


def build_target_result(record: Mapping[str, Any]) -> Result:
    """Return the record of a target as a command's result."""
    return build_record_result(record, TARGET_FIELDS)
