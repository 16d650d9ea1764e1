"""The settings of a Slurm target, and the sbatch options and script built from them and a run's demand."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidValue
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import BUILD_PROPERTY, JOB_ID_VARIABLE, JobRequest
from mlrun_cli.targets.setup_script import build_setup_script
from mlrun_cli.targets.slurm.jobs import RESTART_LINE

# What a job needs to be found and to be told apart, and what would make sbatch wait or start several jobs.
_RESERVED = (
    "--array",
    "--chdir",
    "--clusters",
    "--comment",
    "--error",
    "--input",
    "--job-name",
    "--open-mode",
    "--output",
    "--parsable",
    "--quiet",
    "--test-only",
    "--wait",
    "--wrap",
)
_RESERVED_LETTERS = ("-D", "-J", "-M", "-Q", "-W", "-a", "-e", "-i", "-o")
_FREE_OPTION = "--sbatch-option"
_SHORTEST_ABBREVIATION = len("--abc")
_LOW_PRIORITY = 10_000
"""How much a job gives up of its priority for the jobs of others."""
_MARGIN_MINUTES = 5
"""Time that a job has beyond its run's limit, for the environment before and the outputs after."""

# The second line tells the output of this start from that of earlier ones, which is in the same file.
FIRST_LINES = f'#!/bin/bash\n[ -z "$SLURM_RESTART_COUNT" ] || echo {shlex.quote(RESTART_LINE)}'
_EXPORT_JOB_ID = f"export {JOB_ID_VARIABLE}=$SLURM_JOB_ID"


class SlurmSettings(NamedTuple):
    """The settings of a target, as given at its attachment.

    Attributes:
        build_on: where environments are built, see `BUILD_PROPERTY`.
        gpus_per_node: GPUs of each node, as in `4` or `a100:4`, for runs that ask for none.
        time: the time limit for runs that have none, in Slurm's format.
        sbatch_options: further options of sbatch, each one word.
        setup: lines of the shell that precede the supervisor.
    """

    build_on: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str | None = None
    gpus_per_node: str | None = None
    cpus_per_task: int | None = None
    memory: str | None = None
    sbatch_options: Sequence[str] = ()
    setup: Sequence[str] = ()

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> SlurmSettings:
        """Return the settings in the properties of a target's row."""
        return cls(**{name: properties[key] for name, key in _KEYS.items() if properties.get(key) is not None})

    def to_properties(self) -> dict[str, Any]:
        """Return the properties of the target's row that contain these settings."""
        given = {key: getattr(self, name) for name, key in _KEYS.items()}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}

    def build_resource_options(self, demand: Demand) -> list[str]:
        """Return the sbatch options for a run's resources; the user's options come last to take precedence."""
        values = {
            "--partition": self.partition,
            "--account": self.account,
            "--qos": self.qos,
            "--nodes": str(demand.node_count),
            "--ntasks-per-node": "1",
            "--cpus-per-task": None if self.cpus_per_task is None else str(self.cpus_per_task),
            "--mem": self.memory,
            "--time": self._choose_time_limit(demand.max_run_duration_seconds),
        }
        options = [f"{option}={value}" for option, value in values.items() if value]
        options += ["--no-kill"] if demand.can_lose_nodes else []
        return [*options, *self._build_gpu_options(demand), *self.sbatch_options]

    def build_script(self, command: Sequence[str]) -> str:
        """Return a job's shell script, which executes the setup lines and then replaces the shell with `command`."""
        return build_setup_script(self.setup, command, first_line=f"{FIRST_LINES}\n{_EXPORT_JOB_ID}")

    def _choose_time_limit(self, seconds: float | None) -> str | None:
        """Return a job's time limit in Slurm's format: the run's plus a margin, or the target's; None for no limit."""
        if not seconds:
            return self.time
        needed = math.ceil(seconds / 60)
        allowed = None if self.time is None else parse_minutes(self.time)
        with_margin = needed + _MARGIN_MINUTES
        if allowed is not None and needed <= allowed < with_margin:
            return self.time
        return str(with_margin)

    def _build_gpu_options(self, demand: Demand) -> list[str]:
        kind, _, number = (self.gpus_per_node or "").rpartition(":")
        if not demand.gpu_count:
            return [f"--gres=gpu:{self.gpus_per_node}"] if number else []
        prefix = f"{kind}:" if kind else ""
        per_node, rest = divmod(demand.gpu_count, demand.node_count)
        return [f"--gpus={prefix}{demand.gpu_count}"] if rest else [f"--gres=gpu:{prefix}{per_node}"]


_KEYS = {
    "build_on": BUILD_PROPERTY,
    "partition": "partition",
    "account": "account",
    "qos": "qos",
    "time": "time",
    "gpus_per_node": "gpusPerNode",
    "cpus_per_task": "cpusPerTask",
    "memory": "memory",
    "sbatch_options": "sbatchOptions",
    "setup": "setup",
}


def build_sbatch_options(settings: SlurmSettings, request: JobRequest) -> list[str]:
    """Return the sbatch options for the job of a run."""
    return [
        f"--job-name={request.run_id}",
        f"--output={escape_patterns(str(request.log))}",
        # That of the submitter need not exist on the node.
        f"--chdir={request.log.parent}",
        *build_common_options(settings, request),
    ]


def build_common_options(settings: SlurmSettings, request: JobRequest) -> list[str]:
    """Return the sbatch options of a run's job that can be the same for the jobs of other runs."""
    return [
        f"--comment={request.workspace}",
        "--open-mode=append",
        *([] if request.begin_at is None else [f"--begin={_format_begin(request.begin_at)}"]),
        *([f"--nice={_LOW_PRIORITY}"] if request.is_low else []),
        *settings.build_resource_options(request.demand),
    ]


def validate_sbatch_option(option: str) -> str:
    """Validate an sbatch option given by the user, and return it.

    Raises:
        InvalidValue: it is not an option, or one that mlrun sets itself.
    """
    name = option.partition("=")[0]
    if not re.fullmatch(r"-[A-Za-z].*|--[a-z].*", option, re.DOTALL):
        raise InvalidValue(
            f"{_FREE_OPTION}: '{option}' is not an option of sbatch.",
            hint=f"Write it as one word that starts with '-', as in {_FREE_OPTION}='--constraint=a100'.",
            target=_FREE_OPTION,
        )
    is_abbreviated = len(name) >= _SHORTEST_ABBREVIATION and any(each.startswith(name) for each in _RESERVED)
    if is_abbreviated or (option[1] != "-" and option[:2] in _RESERVED_LETTERS):
        raise InvalidValue(
            f"{_FREE_OPTION}: '{name}' is set for each job by mlrun.",
            hint=f"Leave it out; reserved are {', '.join(_RESERVED)}.",
            target=_FREE_OPTION,
        )
    return option


def parse_minutes(text: str) -> int | None:
    """Return the minutes of a time limit in Slurm's format, rounded up, or None if there is no limit.

    Formats are `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` and
    `days-hours:minutes:seconds`.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if match is None:
        return None
    days, *others = match.groups()
    first, second, third = (int(each or 0) for each in others)
    if days is not None or others[2] is not None:
        hours, minutes, seconds = first, second, third
    else:
        hours, minutes, seconds = 0, first, second
    return int(days or 0) * 1440 + hours * 60 + minutes + (1 if seconds else 0)


def _format_begin(begin_at: int) -> str:
    """Format a time in microseconds for Slurm's `--begin`, in local time, rounded up to the next second."""
    from datetime import datetime  # noqa: PLC0415 - slow to import

    return datetime.fromtimestamp(math.ceil(begin_at / MICROSECONDS)).astimezone().strftime("%Y-%m-%dT%H:%M:%S")


def escape_patterns(path: str) -> str:
    """Return a path with percent signs escaped, for an option in which Slurm replaces patterns such as `%j`."""
    return path.replace("%", "%%")
