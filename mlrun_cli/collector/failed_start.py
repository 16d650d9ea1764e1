"""The reason why the supervisor of a lost run has not written to the folder of its target."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.log_tail import read_tail, remove_styles, shorten_line
from mlrun_cli.runs.error import SERVICE_ERROR, build_run_error
from mlrun_cli.runs.node_exit_codes import find_problem
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.engine import Job, JobEnd

_LAST_LINES = 3


def explain_failed_start(
    outcome: Outcome,
    job: Job | None,
    folder_on_nodes: str,
    shared_folder: SharedFolder,
    log: Path,
    *,
    has_started: bool,
) -> Outcome:
    """Return the outcome of a lost run, with the reason why its supervisor could not start or write to its folder.

    Args:
        outcome: the outcome, derived from the job.
        job: the job.
        folder_on_nodes: the name of the target's folder on its nodes.
        shared_folder: that folder, or its mirror.
        log: the file of the job's output.
        has_started: whether a supervisor of the run has written something.

    Returns:
        The outcome, unchanged if the job did not end by itself, or its supervisor may have died of something else.
    """
    if outcome.status is not RunStatus.FAILED or job is None or job.end is not JobEnd.EXITED:
        return outcome
    place = f"{folder_on_nodes}{f' on {job.nodes}' if job.nodes else ''}"
    words = f" ({job.words})" if job.words else ""
    problem = find_problem(job.exit_code)
    full_disk = None if shared_folder.is_mirror else describe_full_disk(shared_folder.path, FULL_FOR_RUNS_BYTES)
    if problem is not None:
        shown = "" if full_disk is None else f" Now {full_disk}."
        message = f"The folder of the compute target, {place}, {problem.text}{words}.{shown} {problem.remedy}"
        return outcome._replace(error=build_run_error(message, code=SERVICE_ERROR, reason=problem.code))
    if outcome.error is None or (has_started and full_disk is None):
        return outcome
    details = outcome.error["error"]
    remarks = [str(details["message"])]
    if not has_started:
        said = _read_last_lines(log)
        silence = f"Its supervisor has written nothing: is {place} mounted, and may it be written by your jobs?"
        remarks.append(f"Its output ends with: {said}" if said else silence)
    if full_disk is not None:
        remarks.append(f"Found afterwards: {full_disk}.")
    return outcome._replace(error={**outcome.error, "error": {**details, "message": " ".join(remarks)}})


def _read_last_lines(log: Path) -> str:
    """Return the last lines of a log as one line; empty if there are none."""
    lines = [line.strip() for line in remove_styles(read_tail(log)).splitlines()]
    return "; ".join(shorten_line(line) for line in list(filter(None, lines))[-_LAST_LINES:])
