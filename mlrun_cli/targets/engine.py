"""The interface of compute targets with their own engine, such as Slurm, which queues and starts jobs on nodes.

A job runs the supervisor of one run on a node, in the run's folder in the target's shared folder. The target's
dispatcher is the collector: it reads what supervisors have written, and asks the engine about their jobs.

`base.py` is the interface of all kinds, `attachment.py` says what is checked when a cluster is attached, and the table
`mlrun_cli/targets/kinds.py` what a new kind needs besides.
"""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import ClassVar

from mlrun_cli.compute.compute_target import SHARED_FOLDER_PROPERTY, ComputeTarget
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotEnoughNodes, StoreError
from mlrun_cli.runconfigs.communicators import PARALLEL_TASK
from mlrun_cli.runs.inbox import CancelMessage, StopMessage, send_message
from mlrun_cli.runs.job_problems import record_unanswered_submission
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.shared_folder import SharedFolder, find_shared_run_folder
from mlrun_cli.runs.submit_options import DEFAULT_LIMIT_SECONDS
from mlrun_cli.targets.base import Demand, Liveness, LivenessSource, StartedSupervisor, Target
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable, SubmitUnanswered
from mlrun_cli.targets.programs import COLLECTOR_PROGRAM, build_dispatcher_arguments, build_program_command, spawn

PYTHON_PROPERTY = "python"
"""The property of a target's row that contains the interpreter of supervisors on nodes."""
DEFAULT_PYTHON = "python3"
BUILD_PROPERTY = "buildOn"
"""The property of a target's row that says where environments are built: `BUILD_HERE`, or by default on a node."""
BUILD_HERE = "here"
_LATE_SECONDS = 5.0
"""How long the job of a submission that was not answered may take to be known to an engine that answers again."""
_LOOK_AGAIN_SECONDS = 1.0
OWN_ENVIRONMENT = "--own-environment"
"""The option of the node's program for nodes that share no files with this machine, interpreters neither."""

JOB_ID_VARIABLE = "MLRUN_JOB_ID"
"""The variable with the id of a job, for its supervisor, which may end before the engine has said it to anybody."""


class JobState(Enum):
    """The state of a job according to its engine."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


class JobEnd(Enum):
    """The reason why a job ended, according to its engine."""

    EXITED = "exited"
    """Its processes ended by themselves, with any exit code."""
    CANCELED = "canceled"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    PREEMPTED = "preempted"
    NODE_LOST = "node lost"
    NEVER_STARTED = "never started"
    """The engine could not start it."""
    REMOVED = "removed"
    """The engine knows the jobs that were submitted with it, but not the job any more, as after its cancellation."""


class Job(NamedTuple):
    """A job of an engine.

    Attributes:
        state: the state.
        reason: for a queued job, why it waits, in the engine's words.
        nodes: the names of its nodes, as the engine writes them; empty before it has any.
        end: for an ended job, how it ended.
        words: what the engine says of an ended job, for the run's error.
        is_held: whether a queued job waits to be released, since the engine could not start it.
        exit_code: the exit code of an ended job, if the engine tells it.
    """

    state: JobState
    reason: str = ""
    nodes: str = ""
    end: JobEnd | None = None
    words: str = ""
    is_held: bool = False
    exit_code: int | None = None


class JobRequest(NamedTuple):
    """A job to submit.

    Attributes:
        run_id: the id of its run, which becomes the name of the job.
        workspace: the name of the workspace.
        command: the command line to execute on the first node.
        demand: the resources that the run needs.
        begin_at: the time before which it does not start, in microseconds; None starts it as soon as possible.
        is_low: whether the jobs of others should come before it.
        log: the file for the output of the job besides that of the script.
    """

    run_id: str
    workspace: str
    command: Sequence[str]
    demand: Demand
    log: Path
    begin_at: int | None = None
    is_low: bool = False


class EngineTarget(Target):
    """A compute target with its own engine, which queues jobs.

    Attributes:
        engine_name: the name of the engine in texts, such as "Slurm".
        cancels_queued_jobs: False if the engine may keep a job that was cancelled before it had started; when it
            starts, its supervisor does nothing.
        has_job_arrays: whether `submit_job_batch` can submit several jobs with one call of the engine.
        takes_several_nodes: whether runs may ask for several nodes: the job gets them, or the target's documentation
            says that all processes are on one.
    """

    liveness_source = LivenessSource.ENGINE
    dispatcher_follows_runs = True
    lends_gpus = False
    job_property: ClassVar[str]
    engine_name: ClassVar[str]
    cancels_queued_jobs: ClassVar[bool] = True
    has_job_arrays: ClassVar[bool] = False
    takes_several_nodes: ClassVar[bool] = False

    @classmethod
    def get_node_limit(cls, compute_target: ComputeTarget) -> int | None:  # noqa: ARG003 — the engine has a queue of its own
        """Return None, since the engine itself queues runs for which no nodes are free."""
        return None

    @property
    def row(self) -> ComputeTarget:
        """The target's row in the store, which exists as long as a run uses the target."""
        row = self.workspace.compute_targets.find(self.name)
        assert row is not None
        return row

    @property
    def shared_folder(self) -> SharedFolder:
        """The folder that the target shares with its nodes."""
        return SharedFolder(Path(self.row.properties[SHARED_FOLDER_PROPERTY]))

    @property
    def folder_on_nodes(self) -> str:
        """The name of the folder that supervisors write to, as a user finds it."""
        return str(self.shared_folder.path)

    @property
    def builds_environments_here(self) -> bool:
        """True if environments in the shared folder are built on this machine during submission, not on a node."""
        return self.row.properties.get(BUILD_PROPERTY) == BUILD_HERE

    def check_demand(self, demand: Demand) -> None:
        """Raise if the target can never provide the resources that a run demands; this must be fast.

        Raises:
            UsageError: the target can never run it.
        """
        if demand.node_count > 1 and not self.takes_several_nodes:
            raise NotEnoughNodes(
                f"nodeCount: {demand.node_count} nodes are asked for, and runs on '{self.name}' have one.",
                hint="Use one node, or another target.",
                target=self.name,
            )
        super().check_demand(demand)

    def push_files(self, request: JobRequest) -> None:
        """Copy a run's files to where its job will look for them; by default, do nothing, since they are shared.

        Raises:
            MlrunError: they cannot be copied; the engine has not got the job.
        """

    @abstractmethod
    def submit_job(self, request: JobRequest) -> str:
        """Submit a job and return its id.

        Raises:
            MlrunError: the engine refuses it or does not answer; the message has the engine's words.
        """

    def submit_job_batch(self, requests: Sequence[JobRequest]) -> Sequence[str] | None:  # noqa: ARG002
        """Submit several jobs in a single call to the engine, which accepts all or none; return their ids in order.

        Returns:
            The ids, or None if the engine has none of the jobs, and each has to be submitted alone.

        Raises:
            EngineUnavailable: the engine does not answer; it may have accepted all jobs nevertheless.
        """
        return None

    @abstractmethod
    def find_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the given jobs that the engine knows, keyed by job id, with a single query if possible.

        Raises:
            EngineUnavailable: the engine does not answer.
        """

    def get_last_query_time(self, find_jobs_called_at: float) -> float:
        """Return the monotonic time at which the jobs that `find_jobs` last returned were queried from the engine.

        Args:
            find_jobs_called_at: the monotonic time of the last call of `find_jobs`.
        """
        return find_jobs_called_at

    def explain_end(self, job: Job, log: Path) -> Job:  # noqa: ARG002
        """Return an ended job, completed with what its log says about its end; by default, the job unchanged."""
        return job

    @abstractmethod
    def find_job_id(self, run_id: str) -> str | None:
        """Return the id of the job that was submitted for a run, or None if the engine knows no such job.

        It is asked when the submitting process died before it had stored the id.

        Raises:
            EngineUnavailable: the engine does not answer.
        """

    def find_job_ids(self, run_ids: Collection[str]) -> Mapping[str, str]:
        """Return the ids of the jobs of the given runs, keyed by run id; runs without a job are omitted.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        found = {run_id: self.find_job_id(run_id) for run_id in run_ids}
        return {run_id: job_id for run_id, job_id in found.items() if job_id is not None}

    @abstractmethod
    def cancel_job(self, job_id: str) -> None:
        """Cancel a job immediately, whatever its state; do nothing if it has already ended.

        Raises:
            EngineUnavailable: the engine does not answer.
        """

    def cancel_jobs(self, job_ids: Collection[str]) -> None:
        """Cancel several jobs immediately; see `cancel_job`.

        A failure for one job does not keep the others; after two in a row, the engine is taken to be silent.

        Raises:
            EngineUnavailable: the engine does not answer, or fails for some of the jobs.
        """
        failure: EngineUnavailable | None = None
        has_answered = True
        for job_id in job_ids:
            try:
                self.cancel_job(job_id)
            except EngineUnavailable as error:
                if not has_answered:
                    raise
                failure, has_answered = error, False
            else:
                has_answered = True
        if failure is not None:
            raise failure

    def release_job(self, job_id: str) -> None:
        """Release a held job; by default, an engine holds none (see `Job.is_held`).

        Raises:
            EngineRefused: the engine refuses that.
            EngineUnavailable: the engine does not answer.
        """

    def synchronize(self, runs: Collection[Run]) -> None:
        """Update the shared folder if the nodes use a different folder; only the collector calls this.

        Args:
            runs: the target's live runs; all that is kept for others is given up.
        """

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the ends of processes that `synchronize` has started and its caller has reaped.

        Args:
            exit_codes: the exit codes of all processes reaped since the last call, negative for signals, by pid.
        """

    def list_leftovers(self) -> frozenset[str]:
        """Return the ids of the runs whose files `synchronize` still has to remove from another machine."""
        return frozenset()

    def translate_request(self, line: str) -> str:
        """Return the line of a script's RPC request with its paths converted to paths on this machine."""
        return line

    def translate_response(self, line: str) -> str:
        """Return the line of an RPC response with its paths converted to paths on the script's node."""
        return line

    def start_supervisor(self, run_id: str, lock_fds: Sequence[int]) -> StartedSupervisor:  # noqa: ARG002 — there are none on nodes
        """Submit the job that starts the supervisor of a run.

        Raises:
            SubmitUnanswered: the engine does not answer, and may have the job or not.
            MlrunError: it has no job, because it refuses it.
        """
        request = self.build_job_request(run_id)
        self.check_job_request(request)
        return StartedSupervisor(properties={self.job_property: self._submit_and_verify(request)}, is_queued=True)

    def start_supervisor_batch(self, run_ids: Sequence[str]) -> Mapping[str, StartedSupervisor]:
        """Submit the jobs that start several runs' supervisors, in a single call; return the started ones by run id.

        Returns:
            What was started, keyed by run id; empty if the engine has none of the jobs.

        Raises:
            SubmitUnanswered: the engine does not answer, and may have all of the jobs or none.
            MlrunError: it has none, because a request cannot be built.
        """
        requests = [self.build_job_request(run_id) for run_id in run_ids]
        try:
            job_ids = self.submit_job_batch(requests)
        except EngineUnavailable as error:
            found = self._wait_for_late_jobs(run_ids)
            if len(found) < len(run_ids):
                raise self._record_unanswered_submission(run_ids, error) from error
            job_ids = [found[run_id] for run_id in run_ids]
        return {
            run_id: StartedSupervisor(properties={self.job_property: job_id}, is_queued=True)
            for run_id, job_id in zip(run_ids, job_ids or (), strict=bool(job_ids))
        }

    def resubmit(self, run_id: str) -> StartedSupervisor:
        """Submit a run's job again after an unanswered submission; the run's owner lock must be held.

        Raises:
            SubmitUnanswered: the engine does not answer this one either.
            EngineUnavailable: the engine does not answer; it has not got the job.
            EngineRefused: it refuses the job.
            MlrunError: something else is away; it has not got the job.
            OSError: a file of the run cannot be read.
        """
        request = self.build_job_request(run_id)
        with suppress(EngineRefused):  # it was possible at first: what the job needs is away for now
            self.check_job_request(request)
        self.push_files(request)
        try:
            job_id = self.submit_job(request)
        except EngineUnavailable as error:
            raise self._record_unanswered_submission([run_id], error) from error
        return StartedSupervisor(properties={self.job_property: job_id}, is_queued=True)

    def build_job_request(self, run_id: str) -> JobRequest:
        """Return the request for the engine to start the job of a run."""
        run = self.workspace.runs.get(run_id)
        shared = self.shared_folder.get_run_folder(run_id)
        program = os.path.join(shared.read_program_path(), "mlrun_cli", "node", "__main__.py")
        python = self.row.properties.get(PYTHON_PROPERTY) or DEFAULT_PYTHON
        limit = self._get_time_limit(run)
        return JobRequest(
            run_id,
            self.workspace.identity.name,
            [python, "-E", program, str(shared.path)],
            Demand(run.node_count, run.gpu_count, limit, can_lose_nodes=_can_lose_nodes(run)),
            shared.supervisor_log,
            run.begin_at,
            run.priority < 0,
        )

    def check_job_request(self, request: JobRequest) -> None:
        """Raise if a job can never start although the engine would accept it; by default, this is not checked.

        Raises:
            EngineRefused: it would.
            EngineUnavailable: the engine does not answer; it has not got the job.
        """

    def _submit_and_verify(self, request: JobRequest) -> str:
        """Submit a job and return its id; if the engine does not respond, find out whether it accepted the job."""
        try:
            self.push_files(request)
            return self.submit_job(request)
        except EngineUnavailable as error:
            found = self._wait_for_late_jobs([request.run_id])
            if request.run_id in found:
                return found[request.run_id]
            raise self._record_unanswered_submission([request.run_id], error) from error

    def _wait_for_late_jobs(self, run_ids: Sequence[str]) -> Mapping[str, str]:
        """Wait for jobs whose submission was not confirmed; return the ids of the jobs that appear, keyed by run id.

        An engine that was stalled may answer for a while that it has no such job, and accept it after that. Jobs that
        have started meanwhile are known to the collector, and may have ended, so that the engine has forgotten them.
        """
        deadline = time.monotonic() + _LATE_SECONDS
        found: dict[str, str] = {}
        with suppress(EngineUnavailable):
            while time.monotonic() < deadline:
                found = {**self.find_job_ids(run_ids), **self._find_stored_job_ids(run_ids)}
                if len(found) == len(run_ids):
                    return found
                time.sleep(_LOOK_AGAIN_SECONDS)
        return {**found, **self._find_stored_job_ids(run_ids)}

    def _find_stored_job_ids(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Return the job ids that the collector has found, keyed by run id; empty if the store cannot be read."""
        store = self.workspace.runs
        with suppress(StoreError):
            keys = [key for run_id in run_ids if (key := store.find_key(run_id)) is not None]
            runs = store.list_by_keys(keys)
            return {
                run.run_id: run.properties[self.job_property] for run in runs if self.job_property in run.properties
            }
        return {}

    def _record_unanswered_submission(self, run_ids: Sequence[str], error: EngineUnavailable) -> SubmitUnanswered:
        """Record an unanswered submission of jobs and return the error to raise; the collector resubmits lost jobs."""
        for run_id in run_ids:
            with suppress(OSError):  # then it is not repeated
                record_unanswered_submission(self.workspace.get_run_folder(run_id))
        hint = (
            f"The run {run_ids[0]} is kept: once the engine answers, its job is found, or submitted again."
            " Cancel it with 'mlrun run cancel' if it is not wanted."
        )
        return SubmitUnanswered(error.message, hint=hint, target=run_ids[0])

    def _get_time_limit(self, run: Run) -> float | None:
        """Return a run's time limit in seconds, or None if the user has set no limit.

        Azure's SDK gives each run one of 30 days, which nobody has asked for, and which a cluster may not admit.
        """
        seconds = (run.definition or {}).get("maxRunDurationSeconds")
        return float(seconds) if seconds and seconds != DEFAULT_LIMIT_SECONDS else None

    def get_liveness(self, runs: Sequence[Run]) -> Mapping[int, Liveness]:
        """Return ALIVE for all runs, since the collector detects lost supervisors and records their runs' ends."""
        return {run.key: Liveness.ALIVE for run in runs}

    def wake(self, run: Run) -> bool:  # noqa: ARG002
        """Return False, since a supervisor on a node polls for messages."""
        return False

    def cancel(self, run: Run) -> None:
        """Send a cancel request to the supervisor of a run; if that fails, the collector sends it again."""
        current = self.workspace.runs.get_by_key(run.key)
        folder = self.workspace.get_run_folder(run.run_id)
        shared = find_shared_run_folder(folder)
        if shared is not None:
            with suppress(OSError):
                send_message(folder, shared, CancelMessage(current.cancel_grace_seconds, current.failed_with))

    def kill(self, run: Run) -> bool:
        """Cancel the job of a run and tell its supervisor to stop; return False if the run has no job."""
        self.kill_without_engine(run)
        job_id = self.workspace.runs.get_properties(run.key).get(self.job_property)
        if job_id is None:
            return False
        self.cancel_job(job_id)
        return True

    def kill_without_engine(self, run: Run) -> bool:
        """Ask a run's supervisor to stop without the engine; return False, since it may not be reached."""
        folder = self.workspace.get_run_folder(run.run_id)
        shared = find_shared_run_folder(folder)
        if shared is not None:
            with suppress(OSError):
                send_message(folder, shared, StopMessage(StopReason.GIVEN_UP))
        return False

    def recover(self, runs: Sequence[Run]) -> bool:  # noqa: ARG002
        """Return True, since runs on nodes leave nothing to recover on this machine."""
        return True

    def start_dispatcher(self, log_path: Path, lock: OwnerLock) -> None:
        """Start the collector, which is this target's dispatcher."""
        arguments = build_dispatcher_arguments(self.workspace.folder, self.name, lock.descriptor)
        words = build_program_command(COLLECTOR_PROGRAM, arguments)
        spawn(words, f"the queue of {self.name}", [lock.descriptor], log_path)


def _can_lose_nodes(run: Run) -> bool:
    """Return whether a run survives the loss of any node but the first, since it is a parallel task."""
    return run.node_count > 1 and (run.definition or {}).get("communicator") == PARALLEL_TASK
