"""Scripts that run in a container: how it is started, and how it is ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mlrun_cli.environments.environment import ContainerPlan
from mlrun_cli.environments.installer import Installer, print_line
from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.launchers.registry import is_launch_variable

RUN_LABEL = "mlrun.run"

_OF_A_RUN = ("AZUREML_", "MLRUN_")
_FOR_PYTHON = {"PYTHONPATH", "PYTHONUNBUFFERED", VISIBLE_GPUS}
_NETWORK = ("--network", "host")
_ANSWER_SECONDS = 10.0


def is_program_missing(container: ContainerPlan, installer: Installer) -> bool:
    """Return whether a program that the image must have cannot be started.

    Says so on stdout, after the engine's words.
    """
    for program in container.programs:
        options = ["--rm", *_NETWORK, *container.options, "--entrypoint", program]
        look = [container.engine, "run", *options, container.image, "--version"]
        if installer.run(look):
            print_line(f"Error: {program} cannot be started in it: it has to be in the image, on its PATH.")
            return True
    return False


def build_container_command(
    container: ContainerPlan,
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    run_id: str,
    number: int,
    is_reading: bool = False,
    work: Path,
    mounts: Iterable[Path],
) -> list[str]:
    """Return the command that runs `argv` in the container; it has to be started with that environment.

    Variables stand in it by their names alone, so that their values are not seen in a list of processes.

    Args:
        container: which one.
        argv: what is started in it.
        environment: what the process would have without a container.
        run_id: the container is labelled with it.
        number: of the process within the run.
        is_reading: whether it has a standard input.
        work: the folder it starts in.
        mounts: folders that it sees where they are.
    """
    passed = [name for name in sorted(environment) if name in container.variables or _is_passed_on(name)]
    is_rootless_podman = Path(container.engine).name == "podman" and os.getuid() != 0
    gpus = environment.get(VISIBLE_GPUS)
    return [
        container.engine,
        "run",
        "--rm",
        "--init",
        *(("--interactive",) if is_reading else ()),
        *("--name", _build_name(run_id, number)),
        *("--label", f"{RUN_LABEL}={run_id}"),
        *("--user", f"{os.getuid()}:{os.getgid()}"),
        *(("--userns", "keep-id") if is_rootless_podman else ()),
        *_NETWORK,
        *(("--gpus", "all") if gpus else ()),
        *(word for folder in mounts for word in ("--mount", _format_mount(folder))),
        *("--workdir", str(work)),
        *(word for name in passed for word in ("--env", name)),
        *(() if "HOME" in passed else ("--env", "HOME=/tmp")),  # the user need not be one of the image's
        *container.options,
        *("--entrypoint", argv[0]),
        container.image,
        *argv[1:],
    ]


def end_containers(container: ContainerPlan, run_id: str, environment: Mapping[str, str]) -> bool:
    """Kill all containers of a run; return whether the engine says that none is left.

    Before its processes are killed: with them dies what podman needs to clear up.
    """
    found = _list_containers(container, run_id, environment, "--all")
    if found:
        # podman's `rm` alone would wait for ten seconds for a script that is deaf to SIGTERM.
        _read_output([container.engine, "kill", *found], environment)
        _read_output([container.engine, "rm", "--force", *found], environment)
        found = _list_containers(container, run_id, environment)
    return found == []


def describe_running_containers(container: ContainerPlan, run_id: str) -> str:
    """Return the warning of a run whose containers could not be ended."""
    engine = os.path.basename(container.engine)
    look = f"{engine} ps --filter label={RUN_LABEL}={run_id}"
    return f"A container of the run may still run, since {engine} does not answer: '{look}' shows it once it does."


def _list_containers(
    container: ContainerPlan, run_id: str, environment: Mapping[str, str], *options: str
) -> list[str] | None:
    """Return the containers of a run, without options those that run; None when the engine does not tell."""
    label = f"label={RUN_LABEL}={run_id}"
    return _read_output([container.engine, "ps", *options, "--quiet", "--filter", label], environment)


def _read_output(command: Sequence[str], environment: Mapping[str, str]) -> list[str] | None:
    """Return the words that a command prints; None when it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.decode().split()


def _build_name(run_id: str, number: int) -> str:
    return f"mlrun-{run_id}-{number}"


def _is_passed_on(name: str) -> bool:
    return name.startswith(_OF_A_RUN) or name in _FOR_PYTHON or is_launch_variable(name)


def _format_mount(folder: Path) -> str:
    """Return a mount as engines read it: comma-separated, values with a comma or a quote quoted."""
    fields = ("type=bind", f"source={folder}", f"target={folder}")
    return ",".join('"{}"'.format(field.replace('"', '""')) if set(field) & {",", '"'} else field for field in fields)
