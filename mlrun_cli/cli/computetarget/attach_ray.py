"""`computetarget attach ray`."""

from __future__ import annotations

import os
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.attachment import attach
from mlrun_cli.cli.computetarget.options import (
    BuildHost,
    Description,
    EnvironmentBuildHost,
    Name,
    NodePython,
    NodeSetup,
    SharedFolderPath,
    Tags,
)
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.targets.ray.attachment import RayAttachment
from mlrun_cli.targets.ray.credentials import TOKEN_VARIABLE, select_stored_variables
from mlrun_cli.targets.ray.settings import RaySettings, normalize_address, parse_resources, to_int_if_whole


@command(
    app,
    "attach ray",
    examples=[
        ("Attach a cluster", "mlrun computetarget attach ray -n ray -a http://ray:8265 --shared-folder /ml"),
        ("See its nodes, and what of them is free", "mlrun computetarget show -n ray --query nodes"),
    ],
)
def attach_ray(
    global_options: GlobalOptions,
    name: Name,
    address: Annotated[
        str,
        Option("--address", "-a", metavar="URL", help="Address of the head's dashboard, as in http://head:8265."),
    ],
    shared_folder: SharedFolderPath,
    num_cpus: Annotated[
        float,
        Option(
            "--num-cpus",
            min=0,
            metavar="N",
            help="Processors that each run reserves on its node. Default: 1. With 0, runs are started on the head.",
        ),
    ] = 1,
    num_gpus: Annotated[
        float,
        Option("--num-gpus", min=0, metavar="N", help="GPUs for runs that are submitted without --gpus."),
    ] = 0,
    resources: Annotated[
        str | None,
        Option(
            "--resources",
            metavar="JSON",
            help="""Other resources that each run reserves, as in '{"accelerator": 1}'.""",
        ),
    ] = None,
    python: NodePython = None,
    setup: NodeSetup = None,
    build_on: EnvironmentBuildHost = BuildHost.NODE,
    no_check: Annotated[
        bool, Option("--no-check", help="Test neither the resources nor the shared folder on the nodes.")
    ] = False,
    description: Description = "",
    tags: Tags = None,
) -> object:
    """Attach a Ray cluster as a compute target, whose runs become jobs of the cluster.

    Ray need not be installed on this machine. A small job on each node checks that the node sees the shared folder;
    jobs that have not started within a minute are stopped. A cluster with tokens is reached as Ray itself does:
    by RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token. The token itself is not stored.
    """
    settings = RaySettings(
        address=normalize_address(address),
        num_cpus=to_int_if_whole(num_cpus),
        num_gpus=to_int_if_whole(num_gpus),
        resources={} if resources is None else parse_resources(resources),
        setup=tuple(setup or ()),
        build_on=build_on.stored,
        variables=select_stored_variables(os.environ),
    )
    attachment = RayAttachment(settings, shared_folder=shared_folder, python=python, checks_nodes=not no_check)
    attached = attach(global_options, name, attachment, description=description, tags=tags, tested_options="resources")
    if os.environ.get(TOKEN_VARIABLE):
        global_options.notes.warning(
            f"{TOKEN_VARIABLE} is not stored: processes that start without it, as after a reboot, do not reach Ray. "
            "Keep the token in ~/.ray/auth_token."
        )
    return attached
