"""`computetarget create`."""

from __future__ import annotations

from typing import Annotated, Any

from mlrun_cli.actions import compute_targets as actions
from mlrun_cli.cli.azure.ignored_options import IgnoredOptions
from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.options import (
    Description,
    InFull,
    Name,
    Tags,
    build_record,
    build_target_result,
    parse_target_tags,
)
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.compute.compute_target import AML_COMPUTE, COMPUTE_INSTANCE, MAX_NODES
from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption

_KINDS = {kind.lower(): kind for kind in (AML_COMPUTE, COMPUTE_INSTANCE)}
_PRIORITIES = {"dedicated": "Dedicated", "lowpriority": "LowPriority"}


class _IgnoredOptions(IgnoredOptions):
    options = (
        "--admin-username/-u",
        "--admin-user-password",
        "--admin-user-ssh-key",
        "--admin-user-ssh-public-key",
        "--assign-identity",
        "--enable-node-public-ip",
        "--identity-id",
        "--identity-type",
        "--location/-l",
        "--remote-login-port-public-access",
        "--ssh-public-access",
        "--subnet-name",
        "--user-object-id",
        "--user-tenant-id",
        "--vnet-name",
        "--vnet-resourcegroup-name",
    )


_NOTHING_IGNORED = _IgnoredOptions()


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
    global_options: GlobalOptions,
    kind: Annotated[str, Argument(metavar="KIND", help="amlcompute or computeinstance.")],
    name: Name,
    max_nodes: Annotated[
        int | None,
        Option(
            "--max-nodes",
            min=1,
            max=MAX_NODES,
            metavar="N",
            help="Maximum number of nodes in use. Required for amlcompute.",
        ),
    ] = None,
    min_nodes: Annotated[
        int,
        Option("--min-nodes", min=0, max=MAX_NODES, metavar="N", help="Stored, but has no effect. Default: 0."),
    ] = 0,
    vm_size: Annotated[
        str, Option("--vm-size", "-s", metavar="SIZE", help="Any text. Stored, but has no effect.")
    ] = "",
    idle_seconds: Annotated[
        int, Option("--idle-seconds-before-scaledown", min=0, metavar="N", help="Stored, but has no effect.")
    ] = 1800,
    vm_priority: Annotated[
        str, Option("--vm-priority", metavar="PRIORITY", help="dedicated or lowpriority. Has no effect.")
    ] = "dedicated",
    description: Description = "",
    tags: Tags = None,
    ignored: _IgnoredOptions = _NOTHING_IGNORED,
    no_wait: Annotated[bool, Option("--no-wait", hidden=True)] = False,  # noqa: ARG001 — it never has to wait
    in_full: InFull = False,  # noqa: ARG001
) -> object:
    """Create a compute target, whose runs are executed on this machine.

    An amlcompute target uses at most --max-nodes nodes at a time; later runs are queued. If the target exists,
    it is changed. 'local' is unlimited unless you create it with a limit. Azure's options for networks, users
    and identities are ignored.
    """
    kind = _KINDS.get(kind.lower(), kind)
    ignored.print_note(global_options.notes)
    if vm_size:
        global_options.notes.info(
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
    tagged = parse_target_tags(tags)
    with open_context(global_options, creates=True).workspace as workspace:
        target = actions.create_compute_target(
            workspace, name, kind, properties=properties, description=description, tags=tagged
        )
        return build_target_result(build_record(workspace, target))


def _parse_priority(text: str) -> str:
    known = _PRIORITIES.get(text.lower())
    if known is None:
        raise InvalidValue(
            f"--vm-priority: '{text}' is not a priority.", hint="Use dedicated or lowpriority.", target="--vm-priority"
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
    """Return an example of a command that creates the target."""
    return f"mlrun computetarget create amlcompute -n {name} --max-nodes {max_nodes}"
