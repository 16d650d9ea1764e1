"""The program for a node, which makes one attempt to supervise a run in the shared folder of its target."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.program_log import write_log
from mlrun_cli.core.redaction import NAMES_VARIABLE
from mlrun_cli.errors import MlrunError
from mlrun_cli.node.local_environment import localize_environment
from mlrun_cli.node.node_run import NodeRun, build_outcome_event
from mlrun_cli.node.run_folder import NodeRunFolder
from mlrun_cli.node.scratch_workspace import create_scratch_workspace
from mlrun_cli.node.script_environment import build_node_environment
from mlrun_cli.processes.inheritance import set_umask_and_niceness
from mlrun_cli.processes.linux import become_subreaper
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.events import EventWriter, StartEvent, find_outcome
from mlrun_cli.runs.heartbeat import HeartbeatReader, write_heartbeat
from mlrun_cli.runs.inbox import InboxReader, StopMessage
from mlrun_cli.runs.node_exit_codes import get_exit_code
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.runs.starting_job import record_starting_job
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.finish import build_failure_outcome, read_outcome
from mlrun_cli.runtime.program_start import detach_program
from mlrun_cli.supervisor.supervisor import Supervisor
from mlrun_cli.targets.engine import JOB_ID_VARIABLE, OWN_ENVIRONMENT
from mlrun_cli.targets.job_nodes import JobNode, JobNodes, find_job_nodes
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceLocator

_SILENCE_SECONDS = 16.0
"""The age of a heartbeat after which an earlier attempt counts as dead: it writes three of them in that time."""
_LOOK_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Supervise a run; return 0 even if there is nothing to do, 1 if the run could not be started, or a further code.

    Those are in `runs.node_exit_codes`.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # an engine may have inherited that of the submitting process
    shared = SharedRunFolder(Path(arguments[0]))
    try:
        return _execute_attempt(shared, is_elsewhere=OWN_ENVIRONMENT in arguments[1:])
    except OSError as error:
        write_log(f"The shared folder cannot be used on {os.uname().nodename}: {error}")
        return get_exit_code(error)


def _execute_attempt(shared: SharedRunFolder, *, is_elsewhere: bool) -> int:
    """Make an attempt, unless there is nothing to do, and return the exit code.

    Raises:
        OSError: the shared folder cannot be read or written, so that nothing can be said there.
    """
    job_id = os.environ.pop(JOB_ID_VARIABLE, "")
    if find_outcome(shared) is not None or _has_collector_ended_run(shared) or not _claim_start(shared, job_id):
        return 0
    events = EventWriter(shared)
    job_nodes = find_job_nodes(job_id, os.environ)
    node = os.uname().nodename if job_nodes is None else job_nodes.node_list
    events.write(StartEvent(events.attempt, node, job_id))
    _mark_started(shared)
    earlier = read_outcome(shared)
    if earlier is not None:  # of an attempt that was killed before it could write the event
        events.write(build_outcome_event(shared, earlier, is_final=True))
        return 0
    if events.attempt > 1:
        _wait_for_earlier_attempt(shared)
        _log_restart(shared, events.attempt)
    with suppress(OSError):
        write_heartbeat(shared)
    try:
        return _supervise_run(shared, events, job_nodes, is_remote=is_elsewhere)
    except (MlrunError, OSError, KeyError, TypeError, ValueError) as error:
        write_log(str(error))
        message = f"The run could not be started on {os.uname().nodename}: {error}"
        code = error.code if isinstance(error, MlrunError) else type(error).__name__
        outcome = build_failure_outcome(message, code=SERVICE_ERROR, reason=code)
        events.write(build_outcome_event(shared, outcome, is_final=True))
        return 1


def _has_collector_ended_run(shared: SharedRunFolder) -> bool:
    """Return whether the collector has already ended the run, so that a late job has nothing to do."""
    with suppress(OSError):
        return StopMessage(StopReason.GIVEN_UP) in InboxReader(shared.inbox).read_new_messages()
    return False


def _claim_start(shared: SharedRunFolder, job_id: str) -> bool:
    """Record this job, if it has an id, as the one that starts the run; return False if another job has started it."""
    if not job_id:
        return True
    started_by = record_starting_job(shared, job_id)
    if started_by != job_id:
        write_log(f"This job, {job_id}, does nothing, since job {started_by} has started the run.")
    return started_by == job_id


def _supervise_run(shared: SharedRunFolder, events: EventWriter, job_nodes: JobNodes | None, *, is_remote: bool) -> int:
    submission, secrets = _read_inputs(shared)
    nodes = [] if job_nodes is None or submission.launch.node_count <= 1 else job_nodes.list_nodes()
    if is_remote:
        submission = submission._replace(environment=localize_environment(submission.environment, os.environ))
        write_json(shared.environment_plan, submission.environment.to_json())  # for the program that builds it
    redactor = secrets.build_redactor()
    with create_scratch_workspace(shared, submission, redactor) as (locator, lock):
        folder = NodeRunFolder(locator.folder / "runs" / submission.run_id, shared)
        own = OwnerLock.open_new(folder.lock)
        job = dict(os.environ)
        detach_program(locator.folder, lock, own.descriptor)
        become_subreaper()
        set_umask_and_niceness(submission.umask, submission.niceness)
        os.environ[NAMES_VARIABLE] = secrets.environment.get(NAMES_VARIABLE, "")
        with Workspace.connect(locator, redactor=redactor) as workspace:
            _run_supervisor(workspace, locator, submission, secrets, job, job_nodes, nodes, folder, shared, events)
    return 0


def _run_supervisor(
    workspace: Workspace,
    locator: WorkspaceLocator,
    submission: Submission,
    secrets: Secrets,
    job: dict[str, str],
    job_nodes: JobNodes | None,
    nodes: Sequence[JobNode],
    folder: NodeRunFolder,
    shared: SharedRunFolder,
    events: EventWriter,
) -> None:
    definition = workspace.runs.get(submission.run_id).definition or {}
    environment = build_node_environment(secrets.environment, job, definition, folder, locator.home)
    secrets = secrets._replace(environment=environment)
    run = NodeRun(workspace, submission, secrets, folder, shared, events, job_nodes, nodes)
    with suppress(OSError):  # they are read again at the first look
        run.receive_messages()
    Supervisor(run).run()


def _read_inputs(shared: SharedRunFolder) -> tuple[Submission, Secrets]:
    """Return the submission and secrets of a run.

    Raises:
        ValueError: one is missing or damaged.
    """
    document, secrets = read_json(shared.submission), read_json(shared.secrets)
    if document is None or secrets is None:
        raise ValueError(f"{shared.submission if document is None else shared.secrets} is missing or damaged")
    return Submission.from_json(document), Secrets.from_json(secrets)


def _mark_started(shared: SharedRunFolder) -> None:
    """Mark the run as started in the shared folder, so that the collector finds it early; ignore failures."""
    with suppress(OSError):
        (SharedFolder(shared.path.parents[1]).started / shared.path.name).touch(mode=0o600)


def _wait_for_earlier_attempt(shared: SharedRunFolder) -> None:
    """Wait until the heartbeat of an earlier attempt, which may still run on an unreachable node, is stale."""
    reader = HeartbeatReader(shared)
    is_reported = False
    while True:
        try:
            heartbeat = reader.read()
        except OSError as error:
            is_reported = is_reported or write_log(f"the shared folder waits: {error}")
        else:
            if heartbeat is None or heartbeat.is_of_dead_process or heartbeat.age_seconds > _SILENCE_SECONDS:
                return
        time.sleep(_LOOK_SECONDS)


def _log_restart(shared: SharedRunFolder, attempt_number: int) -> None:
    """Write a line to the run's log saying that the run was restarted."""
    line = f"--- attempt {attempt_number}: started again on {os.uname().nodename} ---\n"
    with suppress(OSError), shared.stdout.open("a", encoding="utf-8") as log:
        log.write(line)
