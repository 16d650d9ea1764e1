"""Scripts that run in a container: how containers are started and ended."""

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


def report_missing_program(container: ContainerPlan, installer: Installer) -> bool:
    """Print an error if a program that the image must contain cannot be started; return whether one is missing."""
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
    environ: Mapping[str, str],
    *,
    run_id: str,
    process_index: int,
    reads_stdin: bool = False,
    working_directory: Path,
    mounts: Iterable[Path],
) -> list[str]:
    """Return the command that runs `argv` in the container; the caller must start it with `environ`.

    The command contains only the names of variables, so that their values do not appear in process listings.

    Args:
        container: the planned container.
        argv: the command to run in it.
        environ: the environment variables of the process.
        run_id: the id of the run, which becomes the container's label.
        process_index: the index of the process within the run.
        reads_stdin: whether the process reads standard input.
        working_directory: the working directory.
        mounts: folders to mount at the same paths.
    """
    passed = [name for name in sorted(environ) if name in container.variables or _is_passed_to_container(name)]
    is_rootless_podman = Path(container.engine).name == "podman" and os.getuid() != 0
    gpus = environ.get(VISIBLE_GPUS)
    return [
        container.engine,
        "run",
        "--rm",
        "--init",
        *(("--interactive",) if reads_stdin else ()),
        *("--name", _build_container_name(run_id, process_index)),
        *("--label", f"{RUN_LABEL}={run_id}"),
        *("--user", f"{os.getuid()}:{os.getgid()}"),
        *(("--userns", "keep-id") if is_rootless_podman else ()),
        *_NETWORK,
        *(("--gpus", "all") if gpus else ()),
        *(word for folder in mounts for word in ("--mount", _format_mount(folder))),
        *("--workdir", str(working_directory)),
        *(word for name in passed for word in ("--env", name)),
        *(() if "HOME" in passed else ("--env", "HOME=/tmp")),  # the user need not be one of the image's
        *container.options,
        *("--entrypoint", argv[0]),
        container.image,
        *argv[1:],
    ]


def kill_containers(container: ContainerPlan, run_id: str, environ: Mapping[str, str]) -> bool:
    """Kill all containers of a run, and return whether the container engine confirms that none is left running.

    Call this before the run's processes are killed: podman needs some of them to clean up.
    """
    found = _list_container_ids(container, run_id, environ, "--all")
    if found:
        # podman's `rm` alone would wait ten seconds for a script that ignores SIGTERM.
        _run_and_split_output([container.engine, "kill", *found], environ)
        _run_and_split_output([container.engine, "rm", "--force", *found], environ)
        found = _list_container_ids(container, run_id, environ)
    return found == []


def build_running_containers_warning(container: ContainerPlan, run_id: str) -> str:
    """Return the warning for a run whose containers could not be stopped."""
    engine = os.path.basename(container.engine)
    look = f"{engine} ps --filter label={RUN_LABEL}={run_id}"
    return f"A container of the run may still run, since {engine} does not answer: '{look}' shows it once it does."


def _list_container_ids(
    container: ContainerPlan, run_id: str, environ: Mapping[str, str], *options: str
) -> list[str] | None:
    """Return the ids of a run's containers that `ps` lists with these options, or None if that fails."""
    label = f"label={RUN_LABEL}={run_id}"
    return _run_and_split_output([container.engine, "ps", *options, "--quiet", "--filter", label], environ)


def _run_and_split_output(command: Sequence[str], environ: Mapping[str, str]) -> list[str] | None:
    """Run a command and return its output split at whitespace, or None if it fails or times out."""
    try:
        done = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.decode().split()


def _build_container_name(run_id: str, process_index: int) -> str:
    return f"mlrun-{run_id}-{process_index}"


def _is_passed_to_container(variable_name: str) -> bool:
    """Return whether a variable is passed to every container, since it belongs to the run, Python or a launcher."""
    return variable_name.startswith(_OF_A_RUN) or variable_name in _FOR_PYTHON or is_launch_variable(variable_name)


def _format_mount(folder: Path) -> str:
    """Return the value of `--mount` that binds a folder to the same path, quoting special characters."""
    fields = ("type=bind", f"source={folder}", f"target={folder}")
    return ",".join('"{}"'.format(field.replace('"', '""')) if set(field) & {",", '"'} else field for field in fields)
