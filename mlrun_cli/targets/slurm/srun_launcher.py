"""The launcher that uses srun to start the processes of a run on the nodes of a Slurm job."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import Launcher
from mlrun_cli.wire.run_folder import STD_LOG

_PROGRAM = os.path.join(os.path.dirname(__file__), "srun_program.py")


class SrunLauncher(Launcher):
    """A launcher whose only child process calls srun, which starts another launcher's processes as its tasks."""

    passes_signals = True

    def __init__(self, inner: Launcher, hosts: Sequence[str], tasks: Path) -> None:
        """Create a launcher.

        Args:
            inner: the launcher that knows the processes.
            hosts: the names of the nodes, by number.
            tasks: the file, seen by all nodes, in which the processes are described for them.
        """
        super().__init__(inner.launch, inner.addresses)
        self._inner = inner
        self._hosts = hosts
        self._tasks = tasks

    @property
    def port_count(self) -> int:
        """The number of free ports that the processes need."""
        return self._inner.port_count

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Write the file from which srun starts the script's processes; return the one process that calls srun.

        Raises:
            OSError: their description cannot be written.
        """
        tasks = [
            {
                "host": self._hosts[process.node],
                "variables": dict(process.variables),
                "log": process.log,
                "is_server": process.is_server,
                "is_helper": process.is_helper,
            }
            for process in self._inner.prepare_processes(ports)
        ]
        write_json(self._tasks, {"tasks": tasks})
        return [LaunchedProcess(0, {}, STD_LOG)]

    def build_command(self, artifacts_folder: Path, argv: Sequence[str]) -> list[str]:
        """Return the command line of the process that calls srun."""
        return [sys.executable, "-E", _PROGRAM, str(self._tasks), str(artifacts_folder), *argv]

    def identify_failed_process(
        self, artifacts_folder: Path, first_failed_index: int, has_exception: Callable[[Path], bool]
    ) -> tuple[int, str]:
        """Return the index and log of the process that srun reports, or of the first with an exception, or of srun."""
        del first_failed_index
        logs = self.launch.log_names
        named = re.search(r"^mlrun: process (\d+) failed", read_tail(artifacts_folder / STD_LOG), re.MULTILINE)
        if named is not None and int(named[1]) < len(logs):
            return int(named[1]), logs[int(named[1])]
        return next(
            ((number, log) for number, log in enumerate(logs) if has_exception(artifacts_folder / log)), (0, STD_LOG)
        )
