"""Slurm's jobs: submit, query and cancel them, and convert Slurm's states to those common to all engines."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.slurm.commands import SEPARATOR, run_command, split_fields

_QUEUED = frozenset(
    {
        "CONFIGURING",
        "PENDING",
        "POWER_UP_NODE",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
    }
)
_ENDS = {
    "BOOT_FAIL": JobEnd.NODE_LOST,
    "CANCELLED": JobEnd.CANCELED,
    "COMPLETED": JobEnd.EXITED,
    "DEADLINE": JobEnd.TIMED_OUT,
    "FAILED": JobEnd.EXITED,
    "LAUNCH_FAILED": JobEnd.NEVER_STARTED,
    "NODE_FAIL": JobEnd.NODE_LOST,
    "OUT_OF_MEMORY": JobEnd.OUT_OF_MEMORY,
    "PREEMPTED": JobEnd.PREEMPTED,
    "RECONFIG_FAIL": JobEnd.NODE_LOST,
    "REVOKED": JobEnd.CANCELED,
    "TIMEOUT": JobEnd.TIMED_OUT,
}
_NO_REASONS = frozenset({"", "None", "(null)", "N/A"})
# What Slurm writes as the reason of a job that it could not start.
_NOT_STARTED = frozenset({"BadConstraints", "JobLaunchFailure", "launch_failed_requeued_held", "InvalidAccount"})
# What scancel says of jobs that it cannot cancel any more.
_NO_LONGER_THERE = ("Invalid job id", "already completing or completed")
_MOST_ASKED = 200
"""How many ids or names are passed to `sacct` at a time."""

_SQUEUE_FIELDS = ("JobID", "State", "Reason", "NodeList", "exit_code")
_SQUEUE_FORMAT = ",".join(f"{field}:{SEPARATOR}" for field in _SQUEUE_FIELDS)
_SACCT_FORMAT = "JobIDRaw,State,Reason,NodeList,ExitCode"


def submit_job(script: str, options: Sequence[str]) -> str:
    """Submit a shell script with options of sbatch, and return the id of the job.

    Raises:
        EngineRefused: Slurm refuses it; the message is Slurm's.
        EngineUnavailable: Slurm does not answer; it may have accepted the job nevertheless.
    """
    output = run_command(["sbatch", "--parsable", *options], stdin=script)
    lines = output.split()
    job_id = lines[-1].partition(";")[0] if lines else ""
    if not job_id.isdigit():
        raise EngineUnavailable(f"sbatch printed no job id, but: {output.strip()[:200]!r}.", target="sbatch")
    return job_id


def check_options(script: str, options: Sequence[str]) -> None:
    """Raise if Slurm would reject a job with these options.

    Raises:
        EngineRefused: it would; the message is Slurm's.
        EngineUnavailable: Slurm does not answer.
    """
    run_command(["sbatch", "--test-only", *options], stdin=script)


def find_jobs(job_ids: Collection[str]) -> Mapping[str, Job]:
    """Return the given jobs that Slurm knows, keyed by id.

    One query of the controller returns all jobs of this user, including those that have ended within the cluster's
    `MinJobAge`; jobs that ended earlier are taken from the accounting database, if there is one.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    wanted = set(job_ids)
    if not wanted:
        return {}
    output = _run_squeue(f"--Format={_SQUEUE_FORMAT}")
    jobs = {job_id: job for job_id, job in _parse_jobs(output) if job_id in wanted}
    missing = sorted(wanted - jobs.keys())
    return {**_find_accounted_jobs(missing), **jobs} if missing else jobs


def find_job_ids(names: Collection[str]) -> dict[str, str]:
    """Return the ids of this user's latest jobs with these names, keyed by name; unknown names are omitted.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    found = _parse_job_ids(_run_squeue(f"--format=%A{SEPARATOR}%j"), names)
    missing = [name for name in names if name not in found]
    for start in range(0, len(missing), _MOST_ASKED):
        part = ",".join(missing[start : start + _MOST_ASKED])
        options = [f"--user={os.getuid()}", f"--name={part}", "--starttime=now-30days", "--format=JobIDRaw,JobName"]
        found.update(_parse_job_ids(_run_sacct(options), missing))
    return found


def cancel_jobs(job_ids: Collection[str]) -> None:
    """End jobs immediately, ignoring those that have ended or are unknown.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    try:
        run_command(["scancel", "--quiet", *job_ids])
    except EngineRefused as error:
        if not all(any(phrase in line for phrase in _NO_LONGER_THERE) for line in error.message.splitlines()):
            raise EngineUnavailable(error.message, target="scancel") from error


def parse_job(state: str, reason: str, nodes: str, exit_code: str) -> Job:
    """Create a job from Slurm's fields.

    Args:
        state: the state in the long form; `sacct` adds who cancelled it, as in `CANCELLED by 1000`.
        reason: why it waits, or what has happened to it.
        nodes: the list of its nodes.
        exit_code: exit code and signal, as in `3:0`.
    """
    name = state.split(maxsplit=1)[0] if state else ""
    known_reason = "" if reason in _NO_REASONS else reason
    known_nodes = "" if nodes in {*_NO_REASONS, "None assigned"} else nodes
    if name in _QUEUED:
        return Job(JobState.QUEUED, known_reason or name.capitalize())
    end = _ENDS.get(name)
    if end is None:  # running, suspended, completing, or a state of a later version
        return Job(JobState.RUNNING, nodes=known_nodes)
    if end is JobEnd.EXITED and name == "FAILED" and (known_reason in _NOT_STARTED or not known_nodes):
        end = JobEnd.NEVER_STARTED
    return Job(JobState.ENDED, nodes=known_nodes, end=end, words=_describe_end(state, known_reason, exit_code))


def _describe_end(state: str, reason: str, exit_code: str) -> str:
    """Return Slurm's description of the end of a job, such as `FAILED, NonZeroExitCode, ExitCode=3:0`."""
    shown_code = "" if exit_code in {"0:0", "", "0"} else f"ExitCode={exit_code}"
    return ", ".join(part for part in (state, reason, shown_code) if part)


def _parse_jobs(output: str) -> Iterable[tuple[str, Job]]:
    for job_id, state, reason, nodes, exit_code, *_ in split_fields(output):
        yield job_id, parse_job(state, reason, nodes, exit_code)


def _find_accounted_jobs(job_ids: Sequence[str]) -> dict[str, Job]:
    """Return the given jobs found in the accounting database, keyed by id; empty if there is no database."""
    jobs: dict[str, Job] = {}
    for start in range(0, len(job_ids), _MOST_ASKED):
        part = ",".join(job_ids[start : start + _MOST_ASKED])
        jobs.update(_parse_jobs(_run_sacct([f"--jobs={part}", f"--format={_SACCT_FORMAT}"])))
    return jobs


def _run_squeue(format_option: str) -> str:
    """Return the output of `squeue` about all jobs of this user."""
    return run_command(["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", format_option])


def _parse_job_ids(output: str, names: Collection[str]) -> dict[str, str]:
    """Return the highest id of each of these names from lines with an id and a name."""
    wanted, found = set(names), dict[str, str]()
    for job_id, name, *_ in split_fields(output):
        if name in wanted and job_id.isdigit() and int(job_id) >= int(found.get(name, 0)):
            found[name] = job_id
    return found


def _run_sacct(options: Sequence[str]) -> str:
    """Return the output of `sacct`, or an empty string if it has no database."""
    try:
        return run_command(["sacct", "--allocations", "--noheader", "--parsable2", *options])
    except EngineRefused:
        return ""
