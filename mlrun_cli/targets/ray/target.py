"""The target kind `Ray`, whose runs are jobs of a cluster that is reached over HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import EngineTarget, Job, JobRequest
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.ray import jobs
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.credentials import CLIENT_VARIABLES
from mlrun_cli.targets.ray.nodes import check_feasibility, list_nodes
from mlrun_cli.targets.ray.settings import RaySettings
from mlrun_cli.workspace import Workspace


class RayTarget(EngineTarget):
    """A Ray cluster as a compute target."""

    azure_type = "ray"
    engine_name = "Ray"
    job_property = "ray_submission_id"
    client_variables = CLIENT_VARIABLES
    cancels_queued_jobs = False
    takes_several_nodes = True

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__(workspace, name)
        self._attempts: dict[str, int] = {}
        """The numbers of the last attempts, by the id of the first, of jobs that Ray has given up."""

    @property
    def settings(self) -> RaySettings:
        """The settings of the target."""
        return RaySettings.from_properties(self.row.properties)

    @property
    def client(self) -> RayClient:
        """The client for the cluster's head node."""
        settings = self.settings
        return RayClient(settings.address, settings.variables)

    def check_job_request(self, request: JobRequest) -> None:
        """Raise if no node has the resources that a job needs.

        Raises:
            EngineRefused: none has.
            EngineUnavailable: Ray does not answer.
        """
        check_feasibility(self.client, self.settings.compute_reserved_resources(request.demand))

    def submit_job(self, request: JobRequest) -> str:
        """Submit a job under the id of its run, and return this id.

        Raises:
            EngineRefused: Ray refuses it.
            EngineUnavailable: Ray does not answer; it may have accepted the job nevertheless.
        """
        return jobs.submit_job(self.client, self.settings.build_job_body(request))

    def find_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the given jobs, keyed by id, except unknown ones; resubmit those that exceeded Ray's start timeout.

        Raises:
            EngineUnavailable: Ray does not answer.
        """
        client = self.client
        found = jobs.find_jobs(client, [self._get_last_attempt_id(job_id) for job_id in job_ids])
        described = {}
        for job_id in job_ids:
            details = found.get(self._get_last_attempt_id(job_id))
            if details is not None and jobs.has_start_timed_out(details):
                details = self._find_or_resubmit_attempt(client, job_id)
            if details is not None:
                described[job_id] = jobs.parse_job(details)
        return described

    def find_job_id(self, run_id: str) -> str | None:
        """Return the id of the job of a run, or None if Ray knows no such job.

        Raises:
            EngineUnavailable: Ray does not answer.
        """
        return None if jobs.find_job(self.client, run_id) is None else run_id

    def cancel_job(self, job_id: str) -> None:
        """Request that Ray stop the last attempt of a job.

        Raises:
            EngineUnavailable: Ray does not answer.
        """
        jobs.stop_job(self.client, self._get_last_attempt_id(job_id))

    def describe_nodes(self) -> Mapping[str, Any]:
        """Return a JSON-compatible dict that describes the cluster's nodes that are up.

        Raises:
            EngineUnavailable: Ray does not answer.
        """
        return {"nodes": [node.to_record() for node in list_nodes(self.client)]}

    def _is_wanted(self, run_id: str) -> bool:
        """Return whether a run is live and nobody wants to cancel it."""
        key = self.workspace.runs.find_key(run_id)
        status = None if key is None else self.workspace.runs.find_status(key)
        return status is not None and not status.is_terminal and status is not RunStatus.CANCEL_REQUESTED

    def _get_last_attempt_id(self, job_id: str) -> str:
        return jobs.build_attempt_id(job_id, self._attempts.get(job_id, 1))

    def _find_or_resubmit_attempt(self, client: RayClient, job_id: str) -> jobs.Details | None:
        """Return a job's last attempt, resubmitting it after Ray's start timeout; None if Ray does not know the job.

        Raises:
            EngineUnavailable: Ray does not answer.
        """
        found = jobs.find_last_attempt(job_id, self._attempts.get(job_id, 1), lambda each: jobs.find_job(client, each))
        if found is None:
            return None
        number, details = found
        if jobs.has_start_timed_out(details) and self._is_wanted(job_id):
            number += 1
            job = {
                **self.settings.build_job_body(self.build_job_request(job_id)),
                "submission_id": jobs.build_attempt_id(job_id, number),
            }
            with _convert_refusal():
                jobs.submit_job(client, job)
            details = {**details, "status": "PENDING"}
        self._attempts[job_id] = number
        return details


@contextmanager
def _convert_refusal() -> Iterator[None]:
    """Convert a refused resubmission in the block into `EngineUnavailable`, since the jobs' states are then unknown."""
    try:
        yield
    except EngineRefused as error:
        raise EngineUnavailable(error.message, hint=error.hint, target=error.target) from error
