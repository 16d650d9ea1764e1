"""Jobs of several runs that are submitted as the tasks of one job array."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.engine import JOB_ID_VARIABLE, JobRequest
from mlrun_cli.targets.setup_script import build_setup_script
from mlrun_cli.targets.slurm.options import FIRST_LINES, SlurmSettings, build_common_options, escape_patterns

_EXPORT_TASK_ID = f"export {JOB_ID_VARIABLE}=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
_TASK_NAME = re.compile(r"(.+)_(0|[1-9][0-9]*)")


class JobArray(NamedTuple):
    """A job array for runs whose ids are the name of the array followed by the number of the task, as in `sweep_3`.

    By that, the job of each run is found in Slurm even if its id was never stored.

    Attributes:
        name: the name of the array.
        task_numbers: the numbers of its tasks.
        first: the request for the job of the first run.
    """

    name: str
    task_numbers: Sequence[int]
    first: JobRequest

    @classmethod
    def from_requests(cls, requests: Sequence[JobRequest]) -> JobArray | None:
        """Return the array for these jobs, or None if they cannot form one, such as when their options differ."""
        matches = [_TASK_NAME.fullmatch(request.run_id) for request in requests]
        tasks = [(match[1], int(match[2])) for match in matches if match is not None]
        is_uniform = len({name for name, _ in tasks}) == len({_get_common_part(request) for request in requests}) == 1
        if len(tasks) < len(requests) or not is_uniform or not _is_log_in_run_folder(requests[0]):
            return None
        return cls(tasks[0][0], [number for _, number in tasks], requests[0])

    def build_options(self, settings: SlurmSettings) -> list[str]:
        """Return the sbatch options for the array."""
        before, after = (escape_patterns(part) for part in _split_at_run_id(self.first.log, self.first))
        return [
            f"--job-name={self.name}",
            f"--array={','.join(map(str, self.task_numbers))}",
            f"--output={before}{self.name}_%a{after}",
            f"--chdir={_get_run_folder(self.first).parent}",
            *build_common_options(settings, self.first),
        ]

    def build_script(self, settings: SlurmSettings) -> str:
        """Return the script that each task executes, starting in the folder of its log like a single job."""
        enter = f"cd -- {self._build_task_path(self.first.log.parent)} || exit 1"
        script = build_setup_script(
            settings.setup, self.first.command[:-1], first_line=f"{FIRST_LINES}\n{_EXPORT_TASK_ID}\n{enter}"
        )
        return f"{script.rstrip()} {self._build_task_path(_get_run_folder(self.first))}\n"

    def _build_task_path(self, path: Path) -> str:
        """Return a shell word that expands to each task's counterpart of a path of the first run."""
        before, after = _split_at_run_id(path, self.first)
        return f'{shlex.quote(f"{before}{self.name}_")}"$SLURM_ARRAY_TASK_ID"{shlex.quote(after) if after else ""}'


def _get_run_folder(request: JobRequest) -> Path:
    return Path(request.command[-1])


def _is_log_in_run_folder(request: JobRequest) -> bool:
    folder = _get_run_folder(request)
    return folder.name == request.run_id and folder in request.log.parents


def _split_at_run_id(path: Path, request: JobRequest) -> tuple[str, str]:
    """Return the parts of a path before and after the name of the run's folder."""
    folder = _get_run_folder(request)
    return f"{folder.parent}/", str(path)[len(str(folder)) :]


def _get_common_part(request: JobRequest) -> tuple[object, ...]:
    """Return the part of a request that is the same for all tasks of an array."""
    before, after = _split_at_run_id(request.log, request)
    rest = request._replace(run_id="", command=tuple(request.command[:-1]), log=Path())
    return (*rest, before, after)
