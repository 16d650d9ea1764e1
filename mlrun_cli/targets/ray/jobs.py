"""Ray's jobs: submit, query and stop them, and convert Ray's states to those common to all engines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.transient_errors import is_transient_ray_error

_JOBS = "/api/jobs/"
_SUBMIT_SECONDS = 30.0
"""A head that has just been started takes some seconds for its first job."""
_MAX_SINGLE = 16
"""How many jobs are asked for one by one; the answer for all has every job that the cluster remembers."""
_NOT_FOUND = 404
_LONGEST_WORDS = 600

SUCCEEDED = "SUCCEEDED"
_ENDS = {SUCCEEDED: JobEnd.EXITED, "STOPPED": JobEnd.CANCELED}
_START_TIMEOUT = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
_NOT_STARTED = frozenset(
    {
        "JOB_ENTRYPOINT_COMMAND_START_ERROR",
        "JOB_SUPERVISOR_ACTOR_START_FAILURE",
        "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE",
        "RUNTIME_ENV_SETUP_FAILURE",
        _START_TIMEOUT,
    }
)

Details = Mapping[str, Any]
"""A job as Ray describes it."""


def submit_job(client: RayClient, job: Mapping[str, Any]) -> str:
    """Submit a job and return its id; do nothing if Ray already knows a job with this id.

    Raises:
        EngineRefused: Ray refuses it; the message is Ray's.
        EngineUnavailable: Ray does not answer; it may have accepted the job nevertheless.
    """
    job_id: str = job["submission_id"]
    answer = client.request("POST", _JOBS, job, timeout=_SUBMIT_SECONDS)
    if answer.is_ok or f"submission_id {job_id} already exists" in answer.text:
        return job_id
    if is_transient_ray_error(answer.status, answer.text):
        raise EngineUnavailable(f"Ray at {client.address} does not answer: {answer.reason}", target=client.address)
    raise EngineRefused(f"Ray: {answer.reason}", target=client.address)


def find_job(client: RayClient, job_id: str) -> Details | None:
    """Return Ray's description of a job, or None if Ray does not know it.

    Raises:
        EngineUnavailable: Ray does not answer.
    """
    answer = client.request("GET", f"{_JOBS}{quote(job_id)}")
    if answer.status == _NOT_FOUND:
        return None
    details: Details = answer.parse_json()
    return details


def find_jobs(client: RayClient, job_ids: Collection[str]) -> dict[str, Details]:
    """Return Ray's descriptions of the given jobs, keyed by job id; unknown jobs are omitted.

    Raises:
        EngineUnavailable: Ray does not answer.
    """
    if len(job_ids) <= _MAX_SINGLE:
        found = ((job_id, find_job(client, job_id)) for job_id in job_ids)
        return {job_id: details for job_id, details in found if details is not None}
    wanted = set(job_ids)
    listed: list[Details] = client.request("GET", _JOBS).parse_json()
    return {details["submission_id"]: details for details in listed if details.get("submission_id") in wanted}


def stop_job(client: RayClient, job_id: str) -> None:
    """Request that Ray stop a job; a pending job remains pending despite the request.

    Raises:
        EngineUnavailable: Ray does not answer.
    """
    answer = client.request("POST", f"{_JOBS}{quote(job_id)}/stop")
    if answer.status != _NOT_FOUND:
        answer.parse_json()


def delete_job(client: RayClient, job_id: str) -> None:
    """Delete a job that has ended from Ray; do nothing if it has not ended.

    Raises:
        EngineUnavailable: Ray does not answer.
    """
    client.request("DELETE", f"{_JOBS}{quote(job_id)}")


def parse_job(details: Details) -> Job:
    """Create a job from Ray's description of it."""
    status, message = str(details["status"]), str(details.get("message") or "")
    if status == "PENDING":
        return Job(JobState.QUEUED, message.rstrip("."))
    address = details.get("driver_agent_http_address")
    nodes = (urlsplit(address).hostname or "") if address else ""
    if status == "RUNNING":
        return Job(JobState.RUNNING, nodes=nodes)
    end = _ENDS.get(status) or _derive_end(str(details.get("error_type") or ""), message)
    words = status if status == SUCCEEDED else _shorten_message(message)
    return Job(JobState.ENDED, nodes=nodes, end=end, words=words, exit_code=details.get("driver_exit_code"))


def has_start_timed_out(details: Details) -> bool:
    """Return whether Ray failed a job because its resources were not available within the job start timeout."""
    return details["status"] == "FAILED" and details.get("error_type") == _START_TIMEOUT


def find_last_attempt(
    job_id: str, first_attempt_number: int, find_details: Callable[[str], Details | None]
) -> tuple[int, Details] | None:
    """Return the number and description of the last attempt of a job, or None if Ray does not know the job.

    Args:
        job_id: the id of the first.
        first_attempt_number: the number of an attempt that is known to have been made.
        find_details: returns a job by its id.
    """
    number, details = first_attempt_number, find_details(build_attempt_id(job_id, first_attempt_number))
    while details is not None and has_start_timed_out(details):
        later = find_details(build_attempt_id(job_id, number + 1))
        if later is None:
            break
        number, details = number + 1, later
    return None if details is None else (number, details)


def build_attempt_id(job_id: str, attempt_number: int) -> str:
    """Return the Ray job id of an attempt; a job on which Ray has given up is resubmitted under another id."""
    return job_id if attempt_number == 1 else f"{job_id}.{attempt_number}"


def _derive_end(error_type: str, message: str) -> JobEnd:
    """Return how a failed job ended, derived from Ray's error type and message."""
    if error_type in _NOT_STARTED:
        return JobEnd.NEVER_STARTED
    if "OUT_OF_MEMORY" in message or "running low on memory" in message:
        return JobEnd.OUT_OF_MEMORY
    return JobEnd.NODE_LOST if "node has died" in message else JobEnd.EXITED


def _shorten_message(message: str) -> str:
    """Return an error message as one line, without the job's log that Ray appends."""
    line = " ".join(message.partition(", last available logs")[0].split()).rstrip(".")
    return line if len(line) <= _LONGEST_WORDS else f"{line[:_LONGEST_WORDS]}…"
