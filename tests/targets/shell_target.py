"""Kinds of targets of another distribution, whose supervisors are started by a shell that remains their parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlrun_cli.compute.compute_target import ComputeTarget
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

SHELL = ["/bin/sh", "-c", '"$@"; exit $?', "shell-target"]


class ShellTarget(Target):
    """A target that runs all submitted runs at the same time."""

    liveness_source = LivenessSource.LOCK
    azure_type = "shell"

    @classmethod
    def get_node_limit(cls, compute_target: ComputeTarget) -> int | None:  # noqa: ARG003
        return None

    def start_supervisor(self, run_id: str, locks: Sequence[int]) -> StartedSupervisor:
        pid = self._spawn(run_id, locks, recovers=False)
        return StartedSupervisor(pid, {"shell_pid": str(pid)})

    def get_liveness(self, runs: Sequence[Run]) -> Mapping[int, Liveness]:
        return {run.key: this_machine.get_supervisor_liveness(self.workspace, run) for run in runs}

    def wake(self, run: Run) -> bool:
        return this_machine.wake_supervisor(self.workspace.get_run_folder(run.run_id))

    def kill(self, run: Run) -> bool:
        return this_machine.kill_run(self.workspace, run)

    def recover(self, runs: Sequence[Run]) -> bool:
        def start(run: Run, lock: OwnerLock) -> None:
            self._spawn(run.run_id, [lock.descriptor], recovers=True)

        return this_machine.recover_runs(self.workspace, runs, start)

    def start_dispatcher(self, log_path: Path, lock: OwnerLock) -> None:
        arguments = build_dispatcher_arguments(self.workspace.folder, self.name, lock.descriptor)
        words = [*SHELL, *build_program_command(DISPATCHER_PROGRAM, arguments)]
        spawn(words, f"the queue of {self.name}", [lock.descriptor], log_path)

    def _spawn(self, run_id: str, locks: Sequence[int], *, recovers: bool) -> int:
        arguments = build_supervisor_arguments(self.workspace.folder, run_id, locks, recovers=recovers)
        log = get_supervisor_log_path(self.workspace.get_run_folder(run_id))
        return spawn([*SHELL, *build_program_command(SUPERVISOR_PROGRAM, arguments)], run_id, locks, log)


class SmallShellTarget(ShellTarget):
    """A target that runs one run at a time, regardless of its row; later ones wait."""

    @classmethod
    def get_node_limit(cls, compute_target: ComputeTarget) -> int | None:  # noqa: ARG003
        return 1
