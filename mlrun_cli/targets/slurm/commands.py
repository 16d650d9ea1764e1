"""Calls of Slurm's commands, each with a time limit, since they wait endlessly for a missing controller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.processes.process import FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.slurm.transient_errors import is_transient_slurm_error

TIMEOUT_SECONDS = 30.0
"""How long a command may take; Slurm's own clients give up after some seconds (`MessageTimeout`), as a rule."""

# Fields are separated by a character that occurs neither in ids and states nor in Slurm's reasons.
SEPARATOR = "|"

# What Slurm's commands say where there is no configuration, nor a controller that provides one.
_UNCONFIGURED = (
    "Unable to establish configuration source",
    "Could not establish a configuration source",
    "Unable to process configuration file",
)
# The job in which a command is called, and the user's wishes for the commands' output, must not change what they do.
_DROPPED_PREFIXES = ("SLURM_", "SLURMD_", "SRUN_", "SQUEUE_", "SINFO_", "SACCT_", "SCANCEL_", "SCONTROL_")
_DROPPED = frozenset(
    {
        *("SBATCH_ARRAY_INX", "SBATCH_CLUSTERS", "SBATCH_JOB_NAME", "SBATCH_WAIT", "SBATCH_WAIT_ALL_NODES"),
        # A job must not be found as a process of the run that has submitted it.
        *(FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE),
    }
)
_KEPT = "SLURM_CONF"


def run_command(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run a command of Slurm and return its output; `variables` are added to its environment.

    Raises:
        ProgramNotFound: it is not installed.
        EngineUnavailable: it has not ended within `timeout` seconds, or the controller does not answer.
        EngineRefused: it failed; the message is Slurm's.
    """
    done = _run_process(command, stdin, timeout, variables)
    if done.returncode == 0:
        return done.stdout
    raise _build_error(command[0], done.returncode, done.stderr)


def split_fields(output: str) -> list[list[str]]:
    """Split each non-empty line of an output at `SEPARATOR`; a terminated line has an empty last field."""
    return [line.split(SEPARATOR) for line in output.splitlines() if line]


def build_client_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for Slurm's client commands, which submitted jobs inherit.

    `SBATCH_…` variables, by which users and sites set defaults such as the account, remain.
    """
    return {
        name: value
        for name, value in environ.items()
        if name == _KEPT or not (name.startswith(_DROPPED_PREFIXES) or name in _DROPPED)
    }


def _run_process(
    command: Sequence[str], stdin: str | None, timeout: float, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**build_client_variables(os.environ), **variables},
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise ProgramNotFound(
            f"'{command[0]}' is not on PATH.",
            hint="Use a machine of the cluster on which Slurm's commands are installed, such as its login node.",
            target=command[0],
        ) from None
    except subprocess.TimeoutExpired:
        raise EngineUnavailable(
            f"Slurm does not answer: '{command[0]}' was stopped after {timeout:g} seconds.",
            hint="Check with 'sinfo', and try again later.",
            target=command[0],
        ) from None
    except OSError as error:
        raise EngineUnavailable(f"'{command[0]}' cannot be started: {error.strerror}.", target=command[0]) from None


def _build_error(program: str, exit_code: int, stderr: str) -> EngineRefused | EngineUnavailable:
    """Return the error for a command that failed, with Slurm's message."""
    prefix = f"{program}: "
    lines = [line.strip().removeprefix(prefix).removeprefix("error: ") for line in stderr.splitlines() if line.strip()]
    words = "\n".join(lines) or f"{program} failed with exit code {exit_code}"
    if any(phrase.lower() in words.lower() for phrase in _UNCONFIGURED):
        return EngineUnavailable(
            f"'{program}' finds no Slurm cluster: this machine has no configuration of one, or the controller that "
            "provides it is away.",
            hint="Use a machine of the cluster, such as its login node, or set SLURM_CONF to its slurm.conf."
            f" Slurm says:\n{words}",
            target=program,
        )
    if is_transient_slurm_error(words):
        return EngineUnavailable(
            f"Slurm does not answer: {words}", hint="Check with 'sinfo', and try again later.", target=program
        )
    return EngineRefused(words, target=program)
