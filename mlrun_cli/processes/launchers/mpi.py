"""The launcher for MPI jobs, whose processes `mpirun` or `mpiexec` starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.launchers.base import MASTER_VARIABLES, Launcher, build_master_variables
from mlrun_cli.wire.run_folder import PROCESS_LOG_PREFIX, STD_LOG

# Open MPI refuses to run as root and on fewer cores than processes, unless told otherwise; version 5 has other names.
_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
_OVERSUBSCRIBED = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
# By the names of Open MPI, of PMIx and of MPICH and its kin. The shell becomes the process, which so keeps its pid, its
# signals and its exit code; one that has no number, or does not see the logs, prints by way of the launcher.
_INTO_ITS_LOG = """\
rank=${{OMPI_COMM_WORLD_RANK:-${{PMIX_RANK:-${{PMI_RANK:-none}}}}}}
while [ ${{#rank}} -lt {width} ]; do rank=0$rank; done
log=$1$rank.txt
shift
[ -f "$log" ] && exec "$@" >>"$log" 2>&1
exec "$@"
"""
# In Open MPI's words, of an exit code, and of a signal or an MPI_Abort.
_FAILED = r"Process name:\s+\[.*,\s*(\d+)\]|process rank (\d+) with PID"


class MpiLauncher(Launcher):
    """A launcher whose only child process is MPI's launcher, which gets all GPUs of the run."""

    variables = MASTER_VARIABLES | {"AZ_BATCHAI_MPI_MASTER_NODE", "AZ_BATCH_MASTER_NODE"}
    variable_prefixes = ("OMPI_", "PMIX_", "PMI_", "PRTE_")

    def prepare_processes(self, ports: Sequence[int]) -> list[LaunchedProcess]:
        """Return a list with a single process, MPI's launcher."""
        variables = (
            self.build_shared_variables()
            | _AS_ROOT
            | build_master_variables(self.addresses[0], ports[0])
            | _build_batch_variables(self.addresses[0], ports[0])
            | (self.mpi_variables if self.has_own_machines else _OVERSUBSCRIBED)
        )
        return [LaunchedProcess(0, variables, STD_LOG)]

    def build_command_prefix(self) -> list[str]:
        """Return the command of MPI's launcher, which precedes the command to be run in each process."""
        launcher = self.launch.launcher
        return [] if launcher is None else [launcher, "-np", str(self.launch.process_count)]

    def build_command(self, artifacts_folder: Path, argv: Sequence[str]) -> list[str]:
        """Return the command line of MPI's launcher, which gives each process its own log."""
        if not self._has_several_logs():
            return super().build_command(artifacts_folder, argv)
        shell = _INTO_ITS_LOG.format(width=len(str(self.launch.process_count - 1)))
        return [
            *self.build_command_prefix(),
            "sh",
            "-c",
            shell,
            "sh",
            str(artifacts_folder / PROCESS_LOG_PREFIX),
            *argv,
        ]

    def get_gpu_share(self, node_index: int, gpus: str) -> str:
        """Return all GPUs, since the supervisor starts a single process, MPI's launcher, for all nodes."""
        del node_index
        return gpus

    def identify_failed_process(
        self, artifacts_folder: Path, first_failed_index: int, has_exception: Callable[[Path], bool]
    ) -> tuple[int, str]:
        """Return the index and log of the process that MPI reports, or of the first with an exception, or of MPI."""
        if not self._has_several_logs():
            return super().identify_failed_process(artifacts_folder, first_failed_index, has_exception)
        logs = self.launch.log_names
        named = re.search(_FAILED, read_tail(artifacts_folder / STD_LOG))
        if named is not None and int(named[1] or named[2]) < self.launch.process_count:
            number = int(named[1] or named[2])
            return number, logs[number]
        return next(
            ((number, log) for number, log in enumerate(logs) if has_exception(artifacts_folder / log)), (0, STD_LOG)
        )

    def _has_several_logs(self) -> bool:
        """Return whether the processes have logs separate from the log of MPI's launcher."""
        return self.launch.process_count > 1


def _build_batch_variables(address: str, port: int) -> dict[str, str]:
    """Return the variables in which Azure gives MPI jobs the address of the first node."""
    return {"AZ_BATCHAI_MPI_MASTER_NODE": address, "AZ_BATCH_MASTER_NODE": f"{address}:{port}"}


LAUNCHER = MpiLauncher
