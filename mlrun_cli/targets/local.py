"""The target kind for this machine, which starts each supervisor as a detached process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.compute.compute_target import ComputeTarget, get_max_nodes
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.targets import this_machine
from mlrun_cli.targets.base import Liveness, LivenessSource, StartedSupervisor, Target
from mlrun_cli.targets.programs import (
    DISPATCHER_PROGRAM,
    SUPERVISOR_PROGRAM,
    build_dispatcher_arguments,
    build_program_command,
    build_supervisor_arguments,
    get_supervisor_log_path,
    spawn,
)
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.targets.waiting_supervisor import WaitingSupervisor


class LocalTarget(Target):
    """This machine as a compute target, under the name `local` or the name of an Azure target."""

    liveness_source = LivenessSource.LOCK
    azure_type = "local"
    forks_supervisors = True

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__(workspace, name)
        self._waiting: WaitingSupervisor | None = None

    @classmethod
    def get_node_limit(cls, compute_target: ComputeTarget) -> int | None:
        """Return the node limit in the target's row, 1 for a compute instance, or None if there is no limit."""
        return get_max_nodes(compute_target)

    @contextmanager
    def prepare_supervisor(self, run_id: str) -> Iterator[None]:
        """Start the supervisor program before the block, to load its modules meanwhile; discard it if it is unused."""
        from mlrun_cli.targets.waiting_supervisor import WaitingSupervisor  # noqa: PLC0415 - not on the way of `run list`

        with suppress(OSError):  # a start that has to succeed reports the reason
            self._waiting = WaitingSupervisor(self.workspace.folder, run_id)
        try:
            yield
        finally:
            if self._waiting is not None:
                self._waiting.discard()
                self._waiting = None

    def start_supervisor(self, run_id: str, lock_fds: Sequence[int]) -> StartedSupervisor:
        """Start a detached supervisor process, or use the one that `prepare_supervisor` started."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting.hand_over_locks(lock_fds):
            return StartedSupervisor(waiting.pid)
        return StartedSupervisor(self._spawn_supervisor(run_id, lock_fds, recovers=False))

    def get_liveness(self, runs: Sequence[Run]) -> Mapping[int, Liveness]:
        """Return the liveness of the runs according to their owner locks, keyed by run key."""
        return {run.key: this_machine.get_supervisor_liveness(self.workspace, run) for run in runs}

    def wake(self, run: Run) -> bool:
        """Wake the supervisor through its socket; return False if it does not respond."""
        return this_machine.wake_supervisor(self.workspace.get_run_folder(run.run_id))

    def kill(self, run: Run) -> bool:
        """Kill all processes of the run; return False if they may be on another machine."""
        return this_machine.kill_run(self.workspace, run)

    def recover(self, runs: Sequence[Run]) -> bool:
        """Start the supervisor program with `--recover` unless a recovery is running; return False on failure."""

        def start(run: Run, lock: OwnerLock) -> None:
            self._spawn_supervisor(run.run_id, [lock.descriptor], recovers=True)

        return this_machine.recover_runs(self.workspace, runs, start)

    def start_dispatcher(self, log_path: Path, lock: OwnerLock) -> None:
        """Start the dispatcher program."""
        arguments = build_dispatcher_arguments(self.workspace.folder, self.name, lock.descriptor)
        words = build_program_command(DISPATCHER_PROGRAM, arguments)
        spawn(words, f"the queue of {self.name}", [lock.descriptor], log_path)

    def _spawn_supervisor(self, run_id: str, lock_fds: Sequence[int], *, recovers: bool) -> int:
        """Start the supervisor program as a detached process and return its pid."""
        arguments = build_supervisor_arguments(self.workspace.folder, run_id, lock_fds, recovers=recovers)
        log = get_supervisor_log_path(self.workspace.get_run_folder(run_id))
        return spawn(build_program_command(SUPERVISOR_PROGRAM, arguments), run_id, lock_fds, log)
