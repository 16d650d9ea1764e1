"""`computetarget list`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import InFull, build_record
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import Field, build_listing, build_time_formatter, format_record_tags
from mlrun_cli.compute.compute_target import COMPUTE_INSTANCE


def _format_max_nodes(record: Mapping[str, Any]) -> str:
    """Return the maximum number of nodes in use, or an empty string if the record does not specify it."""
    if record["properties"]["computeType"] == COMPUTE_INSTANCE:
        return "1"
    scale = record["properties"]["properties"].get("scaleSettings")
    return "" if scale is None else str(scale["maxNodeCount"])


_FIELDS = (
    Field("Target", "name"),
    Field("Kind", lambda record: record["properties"]["computeType"]),
    Field("Most nodes", _format_max_nodes, 1),
    Field("Made", lambda record: build_time_formatter("createdOn")(record["properties"]), 10),
    Field("Tags", format_record_tags),
    Field("Description", lambda record: record["properties"]["description"]),
)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the targets of the workspace", "mlrun computetarget list -o table"),
        ("List only their names", "mlrun computetarget list --query '[].name' -o tsv"),
    ],
)
def list_targets(global_options: GlobalOptions, in_full: InFull = False) -> object:  # noqa: ARG001
    """List the workspace's compute targets, sorted by name; 'local' is included if it has a node limit."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [build_record(workspace, target) for target in actions.list_compute_targets(workspace)]
    return build_listing(global_options, records, _FIELDS, empty_message="No compute targets; 'local' is always there.")
