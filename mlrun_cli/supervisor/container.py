"""Termination of a run's containers in a separate process, so that an unresponsive engine does not block."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping
from signal import SIGKILL

from mlrun_cli.environments.container import build_running_containers_warning, kill_containers
from mlrun_cli.environments.environment import ContainerPlan
from mlrun_cli.processes.linux import build_parent_death_hook

_LIMIT_SECONDS = 10.0
_LOOK_SECONDS = 0.02


class ContainerTermination:
    """The termination of a run's containers by a separate process, which is killed after ten seconds."""

    def __init__(self, container: ContainerPlan, run_id: str, environ: Mapping[str, str]) -> None:
        self._container = container
        self._run_id = run_id
        self._environment = environ
        self._pid = 0
        self._result: int | None = None
        self._give_up_at = 0.0
        self._was_given_up = False
        self._is_done = False

    def advance(self, now: float) -> bool:
        """Start the termination on the first call; return whether it has completed or was abandoned."""
        if self._give_up_at == 0.0:
            self._start_killing_containers(now)
        if self._result is None:
            return True
        if select.select([self._result], [], [], 0.0)[0]:
            self._is_done = bool(os.read(self._result, 1))
        elif now >= self._give_up_at:
            self._was_given_up = True
            os.kill(self._pid, SIGKILL)
        else:
            return False
        os.close(self._result)
        self._result = None
        return True

    def finish(self) -> tuple[str, ...]:
        """Kill the remaining containers and wait briefly; return warnings, none unless a container may still run.

        An engine that has not responded in time is not called again.
        """
        if self._result is None and not self._was_given_up:
            self._start_killing_containers(time.monotonic())
        while not self.advance(time.monotonic()):
            time.sleep(_LOOK_SECONDS)
        return () if self._is_done else (build_running_containers_warning(self._container, self._run_id),)

    def _start_killing_containers(self, now: float) -> None:
        """Fork a process that kills the containers of the run and reports through a pipe when they have ended."""
        self._give_up_at = now + _LIMIT_SECONDS
        self._is_done = False
        self._result, writer = os.pipe()
        prepare = build_parent_death_hook(os.getpid())
        try:
            pid = os.fork()
        except OSError:  # no process is to be had: a pipe that nobody writes to says that nothing was done
            os.close(writer)
            return
        if pid:
            self._pid = pid
            os.close(writer)
            return
        try:
            prepare()
            if kill_containers(self._container, self._run_id, self._environment):
                os.write(writer, b"\n")
        finally:
            os._exit(0)
