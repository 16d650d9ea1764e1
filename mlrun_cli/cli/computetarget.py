"""`computetarget`: create, list, show and delete the compute targets to which runs can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.actions.workspaces import build_workspace_record
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_tags
from mlrun_cli.cli.output.record_table import Field, build_listing, format_record_tags, make_time_formatter
from mlrun_cli.compute.compute_target import (
    AML_COMPUTE,
    COMPUTE_INSTANCE,
    MOST_NODES,
    ComputeTarget,
    build_compute_target_record,
)
from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption
from mlrun_cli.workspace import Workspace

app = Group("computetarget")


def _format_max_nodes(record: Mapping[str, Any]) -> str:
    """Return the maximum number of nodes in use, or an empty string if the properties do not specify it."""
    if record["properties"]["computeType"] == COMPUTE_INSTANCE:
        return "1"
    scale = record["properties"]["properties"].get("scaleSettings")
    return "" if scale is None else str(scale["maxNodeCount"])


_FIELDS = (
    Field("Target", "name"),
    Field("Kind", lambda record: record["properties"]["computeType"]),
    Field("Most nodes", _format_max_nodes, 1),
    Field("Made", lambda record: make_time_formatter("createdOn")(record["properties"]), 10),
    Field("Tags", format_record_tags),
    Field("Description", lambda record: record["properties"]["description"]),
)

_KINDS = {kind.lower(): kind for kind in (AML_COMPUTE, COMPUTE_INSTANCE)}
_PRIORITIES = {"dedicated": "Dedicated", "lowpriority": "LowPriority"}
_OF_AZURE_ALONE = (
    "--admin-username",
    "-u",
    "--admin-user-password",
    "--admin-user-ssh-key",
    "--admin-user-ssh-public-key",
    "--assign-identity",
    "--enable-node-public-ip",
    "--identity-id",
    "--identity-type",
    "--location",
    "-l",
    "--remote-login-port-public-access",
    "--ssh-public-access",
    "--subnet-name",
    "--user-object-id",
    "--user-tenant-id",
    "--vnet-name",
    "--vnet-resourcegroup-name",
)

_Name = Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="Name of the target.")]
_InFull = Annotated[bool, typer.Option("-v", hidden=True)]
"""Accepted and without effect: the keys that `-v` adds in Azure are always shown."""


@command(
    app,
    "create",
    examples=[
        (
            "Create a target that runs four runs at a time",
            "mlrun computetarget create amlcompute -n cpu-cluster --max-nodes 4",
        ),
        ("Create one that runs one run at a time", "mlrun computetarget create computeinstance -n workstation"),
    ],
)
def create(
    shared: GlobalOptions,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="amlcompute or computeinstance.")],
    name: _Name,
    max_nodes: Annotated[
        int | None,
        typer.Option(
            "--max-nodes",
            min=1,
            max=MOST_NODES,
            metavar="N",
            help="Maximum number of nodes in use. Required for amlcompute.",
        ),
    ] = None,
    min_nodes: Annotated[
        int,
        typer.Option("--min-nodes", min=0, max=MOST_NODES, metavar="N", help="Stored, but has no effect. Default: 0."),
    ] = 0,
    vm_size: Annotated[
        str, typer.Option("--vm-size", "-s", metavar="SIZE", help="Any text. Stored, but has no effect.")
    ] = "",
    idle_seconds: Annotated[
        int, typer.Option("--idle-seconds-before-scaledown", min=0, metavar="N", help="Stored, but has no effect.")
    ] = 1800,
    vm_priority: Annotated[
        str, typer.Option("--vm-priority", metavar="PRIORITY", help="dedicated or lowpriority. Has no effect.")
    ] = "dedicated",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="Description of the target.")] = "",
    tags: Annotated[list[str] | None, typer.Option("--tag", "--tags", metavar="KEY=VALUE", help="Add a tag.")] = None,
    of_azure_alone: Annotated[list[str] | None, typer.Option(*_OF_AZURE_ALONE, hidden=True)] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", hidden=True)] = False,  # noqa: ARG001 — it never has to wait
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """Create a compute target, whose runs are executed on this machine.

    An amlcompute target uses at most --max-nodes nodes at a time; later runs are queued. If the target exists,
    it is changed. 'local' is unlimited unless you create it with a limit. Azure's options for networks, users
    and identities are ignored.
    """
    kind = _KINDS.get(kind.lower(), kind)
    if of_azure_alone:
        shared.notes.say("Options for networks, users, identities and places mean nothing here and were skipped.")
    if vm_size:
        shared.notes.say(
            f"The VM size {vm_size} makes no difference here: what is sent to '{name}' runs on this machine."
        )
    properties: dict[str, Any] = {"vmSize": vm_size}
    if kind == AML_COMPUTE:
        properties["vmPriority"] = _parse_priority(vm_priority)
        properties["scaleSettings"] = {
            "minNodeCount": min_nodes,
            "maxNodeCount": _check_max_nodes(name, min_nodes, max_nodes),
            "nodeIdleTimeBeforeScaleDown": f"PT{idle_seconds}S",
        }
    elif kind == COMPUTE_INSTANCE:
        properties["state"] = "Running"
        if max_nodes is not None:
            raise ConflictingOptions(
                "A compute instance has one node, and --max-nodes is given.",
                hint=f"Leave --max-nodes out, or make an amlcompute: '{_format_example(name, max_nodes)}'.",
                target="--max-nodes",
            )
    tagged = {key: value or "" for key, value in parse_tags(tags).items()} if tags else None
    with open_context(shared).workspace as workspace:
        target = actions.create_compute_target(
            workspace, name, kind, properties=properties, description=description, tags=tagged
        )
        return _build_record(workspace, target)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the targets of the workspace", "mlrun computetarget list -o table"),
        ("List only their names", "mlrun computetarget list --query '[].name' -o tsv"),
    ],
)
def list_all(shared: GlobalOptions, in_full: _InFull = False) -> object:  # noqa: ARG001
    """List the workspace's compute targets, sorted by name; 'local' is included if it has a limit."""
    with open_context(shared).workspace as workspace:
        records = [_build_record(workspace, target) for target in actions.list_compute_targets(workspace)]
    return build_listing(shared, records, _FIELDS, nothing="No compute targets; 'local' is always there.")


@command(
    app,
    "show",
    examples=[
        ("Show a target", "mlrun computetarget show -n cpu-cluster"),
        ("Check whether it is ready", "mlrun computetarget show -n cpu-cluster --query provisioningState"),
    ],
)
def show(shared: GlobalOptions, name: _Name, in_full: _InFull = False) -> object:  # noqa: ARG001
    """Show a compute target."""
    with open_context(shared).workspace as workspace:
        return _build_record(workspace, actions.get_compute_target(workspace, name))


@command(
    app,
    "delete",
    examples=[
        ("Delete a target", "mlrun computetarget delete -n cpu-cluster"),
        ("Delete it and print its id", "mlrun computetarget delete -n cpu-cluster --query id -o tsv"),
    ],
)
def delete(shared: GlobalOptions, name: _Name, in_full: _InFull = False) -> object:  # noqa: ARG001
    """Delete a compute target and print its record.

    The command fails if the target has queued or active runs. For 'local', only the limit is removed.
    """
    with open_context(shared).workspace as workspace:
        record = _build_record(workspace, actions.get_compute_target(workspace, name))
        actions.delete_compute_target(workspace, name)
        return record


@command(
    app,
    "detach",
    examples=[
        ("Detach a target", "mlrun computetarget detach -n cpu-cluster"),
        ("Remove it and print its id", "mlrun computetarget detach -n cpu-cluster --query id -o tsv"),
    ],
)
def detach(shared: GlobalOptions, name: _Name, in_full: _InFull = False) -> object:
    """Delete a compute target, as 'delete' does: there is no machine to keep."""
    return delete(shared, name, in_full)


def _parse_priority(typed: str) -> str:
    known = _PRIORITIES.get(typed.lower())
    if known is None:
        raise InvalidValue(
            f"--vm-priority: '{typed}' is not a priority.", hint="Use dedicated or lowpriority.", target="--vm-priority"
        )
    return known


def _check_max_nodes(name: str, min_nodes: int, max_nodes: int | None) -> int:
    if max_nodes is None:
        raise MissingOption(
            "An amlcompute needs --max-nodes: how many nodes may be in use at once.",
            hint=f"Type '{_format_example(name, max(1, min_nodes))}'.",
            target="--max-nodes",
        )
    if min_nodes > max_nodes:
        raise ConflictingOptions(
            f"--min-nodes is {min_nodes}, more than --max-nodes, {max_nodes}.",
            hint="Leave --min-nodes out.",
            target="--min-nodes",
        )
    return max_nodes


def _format_example(name: str, max_nodes: int) -> str:
    return f"mlrun computetarget create amlcompute -n {name} --max-nodes {max_nodes}"


def _build_record(workspace: Workspace, target: ComputeTarget) -> dict[str, Any]:
    """Return the record of a target, with the keys that Azure shows with `-v` and those it shows without."""
    record = build_compute_target_record(target, build_workspace_record(workspace.identity, workspace.home)["id"])
    short = {key: record["properties"][key] for key in ("provisioningErrors", "provisioningState")}
    return {**record, **short}
