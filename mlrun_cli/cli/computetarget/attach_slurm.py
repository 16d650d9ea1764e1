"""`computetarget attach slurm`."""

from __future__ import annotations

import re
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
from mlrun_cli.errors import InvalidValue
from mlrun_cli.targets.slurm.attachment import SlurmAttachment
from mlrun_cli.targets.slurm.options import SlurmSettings, parse_minutes, validate_sbatch_option

_NO_LIMIT = frozenset({"infinite", "unlimited"})


@command(
    app,
    "attach slurm",
    examples=[
        (
            "Attach the cluster of this login node",
            "mlrun computetarget attach slurm -n slurm --shared-folder /nfs/ml",
        ),
        (
            "Attach one partition",
            "mlrun computetarget attach slurm -n gpu --partition gpu --shared-folder /ml",
        ),
    ],
)
def attach_slurm(
    global_options: GlobalOptions,
    name: Name,
    shared_folder: SharedFolderPath,
    partition: Annotated[str | None, Option("--partition", metavar="NAME", help="Partition.")] = None,
    account: Annotated[str | None, Option("--account", metavar="NAME", help="Account to charge.")] = None,
    qos: Annotated[str | None, Option("--qos", metavar="NAME", help="Quality of service.")] = None,
    time: Annotated[
        str | None,
        Option(
            "--time", metavar="TIME", help="Time limit of runs without maxRunDurationSeconds, as in 1-00:00:00 or 90."
        ),
    ] = None,
    gpus_per_node: Annotated[
        str | None,
        Option(
            "--gpus-per-node", metavar="[TYPE:]N", help="GPUs of each node, for runs that are submitted without --gpus."
        ),
    ] = None,
    cpus_per_task: Annotated[
        int | None, Option("--cpus-per-task", min=1, metavar="N", help="Processors of each node of a run.")
    ] = None,
    memory: Annotated[str | None, Option("--memory", metavar="SIZE", help="Memory per node, as in 64G.")] = None,
    sbatch_options: Annotated[
        list[str] | None,
        Option(
            "--sbatch-option", metavar="OPTION", help="Another option of sbatch, as in --sbatch-option=--exclusive."
        ),
    ] = None,
    python: NodePython = None,
    setup: NodeSetup = None,
    build_on: EnvironmentBuildHost = BuildHost.NODE,
    no_check: Annotated[
        bool, Option("--no-check", help="Test neither the options nor the shared folder on the nodes.")
    ] = False,
    description: Description = "",
    tags: Tags = None,
) -> object:
    """Attach a Slurm cluster as a compute target, whose runs become jobs of the cluster.

    Slurm's commands must be installed on this machine. A small job on each node that is up checks that the node
    sees the shared folder; jobs that have not started within a minute are canceled. The options, --partition
    to --sbatch-option, are those of sbatch for each run.
    """
    settings = SlurmSettings(
        build_on=build_on.stored,
        partition=partition,
        account=account,
        qos=qos,
        time=_check_time_limit(time),
        gpus_per_node=_check_gpus(gpus_per_node),
        cpus_per_task=cpus_per_task,
        memory=memory,
        sbatch_options=tuple(map(validate_sbatch_option, sbatch_options or ())),
        setup=tuple(setup or ()),
    )
    attachment = SlurmAttachment(settings, shared_folder=shared_folder, python=python, checks_nodes=not no_check)
    return attach(global_options, name, attachment, description=description, tags=tags)


def _check_time_limit(time_limit: str | None) -> str | None:
    if time_limit is None or parse_minutes(time_limit) is not None or time_limit.lower() in _NO_LIMIT:
        return time_limit
    raise InvalidValue(
        f"--time: '{time_limit}' is not a time limit of Slurm.",
        hint="Use 90 for minutes, 12:00:00 for hours, or 1-00:00:00 for days.",
        target="--time",
    )


def _check_gpus(gpus: str | None) -> str | None:
    if gpus is None or re.fullmatch(r"(?:[A-Za-z0-9_.-]+:)?[0-9]+", gpus):
        return gpus
    raise InvalidValue(
        f"--gpus-per-node: '{gpus}' is not a number of GPUs.",
        hint="Use a number, or a type and a number, as in a100:4.",
        target="--gpus-per-node",
    )
