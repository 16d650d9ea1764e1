"""Slurm's jobs: submit, query and cancel them, and convert Slurm's states to those common to all engines."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

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
_LAUNCH_FAILED = "launch_failed_requeued_held"
# What Slurm writes as the reason of a job that it could not start.
_NOT_STARTED = frozenset({"BadConstraints", "JobLaunchFailure", _LAUNCH_FAILED, "InvalidAccount"})
# What scancel says of jobs that it cannot cancel any more.
_NO_LONGER_THERE = ("Invalid job id", "already completing or completed")
# Else squeue abbreviates them.
_WHOLE_TASK_LISTS = {"SLURM_BITSTR_LEN": "0"}
_REMOVED = Job(JobState.ENDED, end=JobEnd.REMOVED, words="CANCELLED")
_OUT_OF_MEMORY = re.compile(r"^slurmstepd\b.*(?:memory limit|oom.kill).*", re.MULTILINE | re.IGNORECASE)
"""A line of the daemon of a job that used too much memory; the controller may say only that it was killed."""
RESTART_LINE = "--- Slurm has started the job again ---"
"""The line that the script of a job writes first when Slurm starts it again; what precedes it is of earlier starts."""
_LAST_LINES = 20
_MAX_ASKED = 200
"""How many ids or names are passed to `sacct` at a time."""

_SQUEUE_FIELDS = ("JobArrayID", "State", "Reason", "NodeList", "exit_code")
_SQUEUE_FORMAT = ",".join(f"{field}:{SEPARATOR}" for field in _SQUEUE_FIELDS)
_SACCT_FORMAT = "JobID,State,Reason,NodeList,ExitCode"


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
    """Return the jobs that Slurm knows, keyed by id, such as `4711` or, for a task of a job array, `4711_3`.

    One query of the controller returns all jobs of this user, including those that have ended within the cluster's
    `MinJobAge`; jobs that ended earlier are taken from the accounting database, if there is one. Of a task that is
    cancelled before it has started, both forget everything at once: where they know its array it was removed.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    wanted = set(job_ids)
    if not wanted:
        return {}
    known = dict(_parse_jobs(_run_squeue(f"--Format={_SQUEUE_FORMAT}"), wanted))
    missing = sorted(wanted - known.keys())
    if missing:
        known = {**_find_accounted_jobs(missing), **known}
        known_numbers = {_get_array_id(job_id) for job_id in known}
        removed = (job_id for job_id in missing if _is_task(job_id) and _get_array_id(job_id) in known_numbers)
        known = {**dict.fromkeys(removed, _REMOVED), **known}
    return {job_id: known[job_id] for job_id in wanted & known.keys()}


def find_job_ids(names: Collection[str]) -> dict[str, str]:
    """Return the ids of this user's latest jobs with these names, keyed by name; unknown names are omitted.

    A task of a job array has the name of the array followed by its number, as in `sweep_3`.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    found = _parse_job_ids(_run_squeue(f"--format=%i{SEPARATOR}%j"), names)
    missing = [name for name in names if name not in found]
    # That of a task is the name of its array.
    job_names = sorted({job_name for name in missing for job_name in (name, name.rpartition("_")[0]) if job_name})
    for start in range(0, len(job_names), _MAX_ASKED):
        part = ",".join(job_names[start : start + _MAX_ASKED])
        options = [f"--user={os.getuid()}", f"--name={part}", "--starttime=now-30days", "--format=JobID,JobName"]
        found.update(_parse_job_ids(_run_sacct(options), missing))
    return found


def cancel_jobs(job_ids: Collection[str]) -> None:
    """Cancel jobs immediately, ignoring jobs that have ended or are unknown.

    Raises:
        EngineUnavailable: the controller does not answer.
    """
    try:
        run_command(["scancel", "--quiet", *job_ids])
    except EngineRefused as error:
        if not all(any(phrase in line for phrase in _NO_LONGER_THERE) for line in error.message.splitlines()):
            raise EngineUnavailable(error.message, target="scancel") from error


def release_job(job_id: str) -> None:
    """Release a held job.

    Raises:
        EngineRefused: Slurm refuses that; the message is Slurm's.
        EngineUnavailable: the controller does not answer.
    """
    run_command(["scontrol", "release", job_id])


def format_task_id(array_id: str, task_number: int) -> str:
    """Return the id of a task of a job array, as in `4711_3`."""
    return f"{array_id}_{task_number}"


def parse_job(state: str, reason: str, nodes: str, exit_code: str) -> Job:
    """Create a job from the fields that `squeue` or `sacct` printed.

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
        is_held = known_reason.replace(" ", "_") == _LAUNCH_FAILED
        return Job(JobState.QUEUED, known_reason or name.capitalize(), is_held=is_held)
    end = _ENDS.get(name)
    if end is None:  # running, suspended, completing, or a state of a later version
        return Job(JobState.RUNNING, nodes=known_nodes)
    if end is JobEnd.EXITED and name == "FAILED" and (known_reason in _NOT_STARTED or not known_nodes):
        end = JobEnd.NEVER_STARTED
    words = _describe_end(state, known_reason, exit_code)
    code, _, signal_number = exit_code.partition(":")
    known_code = int(code) if code.isdigit() and signal_number in {"", "0"} else None
    return Job(JobState.ENDED, nodes=known_nodes, end=end, words=words, exit_code=known_code)


def explain_end(job: Job, output: str) -> Job:
    """Return an ended job, changed to one that ran out of memory if the last lines since its last start say so."""
    lines = "\n".join(output.rpartition(RESTART_LINE)[2].splitlines()[-_LAST_LINES:])
    found = _OUT_OF_MEMORY.search(lines) if job.end is JobEnd.EXITED else None
    if found is None:
        return job
    return job._replace(end=JobEnd.OUT_OF_MEMORY, words=f"{job.words}; {found.group()}")


def _describe_end(state: str, reason: str, exit_code: str) -> str:
    """Return Slurm's description of the end of a job, such as `FAILED, NonZeroExitCode, ExitCode=3:0`."""
    shown_code = "" if exit_code in {"0:0", "", "0"} else f"ExitCode={exit_code}"
    return ", ".join(part for part in (state, reason, shown_code) if part)


def _parse_jobs(output: str, wanted: Collection[str]) -> Iterator[tuple[str, Job]]:
    """Yield each job with its id; a line about tasks that have not started contains several jobs.

    Tasks of arrays to which no `wanted` job belongs are not told apart.
    """
    wanted_numbers = {_get_array_id(job_id) for job_id in wanted if _is_task(job_id)}
    for job_ids, state, reason, nodes, exit_code, *_ in split_fields(output):
        job = parse_job(state, reason, nodes, exit_code)
        is_wanted = _get_array_id(job_ids) in wanted_numbers
        for job_id in _expand_tasks(job_ids) if is_wanted else (job_ids,):
            yield job_id, job


def _find_accounted_jobs(job_ids: Sequence[str]) -> dict[str, Job]:
    """Return the given jobs, and all tasks of their arrays, found in the accounting database, keyed by id.

    Those that have never started are not among them. Without a database, none is found.
    """
    jobs: dict[str, Job] = {}
    numbers = sorted({_get_array_id(job_id) for job_id in job_ids})
    for start in range(0, len(numbers), _MAX_ASKED):
        part = ",".join(numbers[start : start + _MAX_ASKED])
        jobs.update(_parse_jobs(_run_sacct([f"--jobs={part}", f"--format={_SACCT_FORMAT}"]), ()))
    return jobs


def _run_squeue(format_option: str) -> str:
    """Return the output of `squeue` about all jobs of this user, with one line for all tasks that have not started."""
    command = ["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", format_option]
    return run_command(command, variables=_WHOLE_TASK_LISTS)


def _parse_job_ids(output: str, names: Collection[str]) -> dict[str, str]:
    """Parse lines with an id and a name; return the highest id for each of these names, keyed by name."""
    wanted, found = set(names), dict[str, str]()
    array_names = {name.rpartition("_")[0] for name in wanted}
    for job_ids, job_name, *_ in split_fields(output):
        for job_id in _expand_tasks(job_ids) if job_name in array_names else (job_ids,):
            number, _, task = job_id.partition("_")
            name = f"{job_name}_{task}" if task else job_name
            if name in wanted and number.isdigit() and int(number) >= int(_get_array_id(found.get(name, "0"))):
                found[name] = job_id
    return found


def _expand_tasks(job_ids: str) -> Iterator[str]:
    """Yield the id of each task in an expression such as `4711_[0-2,10-30:5%4]`, or the id itself."""
    number, _, tasks = job_ids.partition("_[")
    if not tasks:
        yield job_ids
    for first, last, step in re.findall(r"(\d+)(?:-(\d+)(?::(\d+))?)?", tasks.partition("%")[0]):
        for task in range(int(first), int(last or first) + 1, int(step or 1)):
            yield format_task_id(number, task)


def _is_task(job_id: str) -> bool:
    return "_" in job_id


def _get_array_id(job_id: str) -> str:
    """Return the id of the job array of a task, or the id of any other job unchanged."""
    return job_id.partition("_")[0]


def _run_sacct(options: Sequence[str]) -> str:
    """Return the output of `sacct`, or an empty string if it fails, as without an accounting database."""
    try:
        return run_command(["sacct", "--allocations", "--noheader", "--parsable2", *options])
    except EngineRefused:
        return ""
