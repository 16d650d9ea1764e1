"""The target kind `Slurm`, whose runs are jobs of a cluster that this machine can submit to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.targets.engine import EngineTarget, Job, JobRequest
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.slurm import jobs
from mlrun_cli.targets.slurm.job_array import JobArray
from mlrun_cli.targets.slurm.nodes import list_nodes, list_partitions
from mlrun_cli.targets.slurm.options import SlurmSettings, build_sbatch_options


class SlurmTarget(EngineTarget):
    """A Slurm cluster as a compute target."""

    azure_type = "slurm"
    engine_name = "Slurm"
    job_property = "slurm_job_id"
    takes_queue_options = True
    has_job_arrays = True
    takes_several_nodes = True

    def submit_job(self, request: JobRequest) -> str:
        """Submit a job with sbatch and return its id.

        Raises:
            EngineRefused: Slurm refuses it; the message is Slurm's.
            EngineUnavailable: Slurm does not answer; it may have accepted the job nevertheless.
            ProgramNotFound: Slurm's commands are not installed on this machine.
        """
        settings = SlurmSettings.from_properties(self.row.properties)
        return jobs.submit_job(settings.build_script(request.command), build_sbatch_options(settings, request))

    def submit_job_batch(self, requests: Sequence[JobRequest]) -> Sequence[str] | None:
        """Submit jobs that differ only in their runs as one job array, and return the ids of its tasks.

        Returns:
            Their ids, as in `4711_3`; None if they differ otherwise, or Slurm refuses the array.

        Raises:
            EngineUnavailable: Slurm does not answer; it may have accepted the array nevertheless.
        """
        array = JobArray.from_requests(requests)
        if array is None:
            return None
        settings = SlurmSettings.from_properties(self.row.properties)
        try:
            job_id = jobs.submit_job(array.build_script(settings), array.build_options(settings))
        except (EngineRefused, ProgramNotFound):  # each alone is told why, unless it is about arrays
            return None
        return [jobs.format_task_id(job_id, number) for number in array.task_numbers]

    def find_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the given jobs that Slurm knows, keyed by id, usually with one query of the controller."""
        with _convert_errors():
            return jobs.find_jobs(job_ids)

    def explain_end(self, job: Job, log: Path) -> Job:
        """Return an ended job, completed with what Slurm's daemon on the node has written to its log about its end."""
        return jobs.explain_end(job, read_tail(log))

    def find_job_id(self, run_id: str) -> str | None:
        """Return the id of the job that is named after a run, or None if Slurm knows no such job."""
        with _convert_errors():
            return jobs.find_job_ids([run_id]).get(run_id)

    def find_job_ids(self, run_ids: Collection[str]) -> Mapping[str, str]:
        """Return the ids of the jobs that are named after these runs, keyed by run id, usually with one query."""
        with _convert_errors():
            return jobs.find_job_ids(run_ids)

    def cancel_job(self, job_id: str) -> None:
        """Cancel a job with scancel."""
        self.cancel_jobs([job_id])

    def cancel_jobs(self, job_ids: Collection[str]) -> None:
        """Cancel several jobs with a single scancel command."""
        with _convert_errors():
            jobs.cancel_jobs(job_ids)

    def release_job(self, job_id: str) -> None:
        """Release a job that Slurm holds after a failed start; Slurm delays the job for another two minutes."""
        jobs.release_job(job_id)

    def describe_nodes(self) -> Mapping[str, Any]:
        """Return a JSON-compatible dict that describes the partitions, and the nodes of the target's partition.

        Raises:
            EngineRefused: the partition no longer exists.
            EngineUnavailable: Slurm does not answer.
            ProgramNotFound: Slurm's commands are not installed on this machine.
        """
        partition = SlurmSettings.from_properties(self.row.properties).partition
        return {
            "partitions": [each._asdict() for each in list_partitions()],
            "nodes": [{**each._asdict(), "partitions": list(each.partitions)} for each in list_nodes(partition)],
        }


@contextmanager
def _convert_errors() -> Iterator[None]:
    """Convert errors of job queries in the block into `EngineUnavailable`, since the jobs' states are then unknown."""
    try:
        yield
    except (EngineRefused, ProgramNotFound) as error:
        raise EngineUnavailable(error.message, hint=error.hint, target=error.target) from error
